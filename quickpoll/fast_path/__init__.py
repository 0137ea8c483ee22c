"""The fast path: the busiest routes, answered before the framework builds anything around them."""
