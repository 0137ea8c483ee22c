"""Connection strings of stores: what they name, and how they are shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from pymongo.errors import InvalidURI
from pymongo.uri_parser import parse_uri


def database_named_in(url: str) -> str:
    """The database that a MongoDB connection string names in its path.

    Raises ``ValueError``, in words for the operator, where it names none or is no such string.
    """
    if url.startswith("mongodb+srv://"):  # parse_uri would ask the DNS, and this opens nothing
        name = urlsplit(url).path.strip("/")
    else:
        try:
            name = parse_uri(url, validate=True)["database"] or ""
        except (InvalidURI, ValueError, KeyError) as error:
            raise ValueError("it is not a MongoDB connection string") from error
        except Exception as error:
            raise ValueError(
                f"it is not a valid connection string ({type(error).__name__})"
            ) from error
    if not name:
        raise ValueError("it names no database in its path")
    return name


def without_password(secret: str) -> str:
    """A secret as it may be shown: of an address where it leads, of anything else nothing."""
    if "://" not in secret:
        return "********"
    scheme, _, rest = secret.partition("://")
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}://{'********@' if at and credentials else ''}{place.partition('?')[0]}"
