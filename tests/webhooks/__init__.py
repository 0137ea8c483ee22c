"""Webhooks: real receivers, real stores."""
