"""What the whole house needs to know of people who leave: who is leaving, and from which polls."""
