"""An evening of guests: a hall of them, a presenter, and what is done to the service meanwhile."""
