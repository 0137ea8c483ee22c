"""The ground floor: stores, batches, embedded servers. No word of polls."""
