"""Sessions: an evening of polls, through which a presenter leads."""
