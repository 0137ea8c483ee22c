"""What the service knows of a person."""
