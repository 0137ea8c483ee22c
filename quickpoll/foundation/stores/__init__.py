"""MongoDB and Redis: clients, breakers, bulk writes, what went wrong with them."""
