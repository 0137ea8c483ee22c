"""What is voted on."""
