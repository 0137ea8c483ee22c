"""The least that the service has to be told."""

from __future__ import annotations

secret = "a secret for tests only, 32 bytes or more"
url = "mongodb://localhost:27017/quickpoll"
least = {"API_DATABASE_URL": url, "JWT_SECRET_KEY": secret}
