"""What operators and their machines ask: health, readiness, metrics."""
