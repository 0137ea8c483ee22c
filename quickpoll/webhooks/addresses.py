"""The judge of addresses: where a message may go. Pure; names are resolved by whoever dials.

A literal address and a plain ``http`` are judged when a webhook is made, a name each time it is
resolved, on all addresses that it has: one that is not public among them, and nothing is dialled.
Addresses that carry another one inside are judged by that one (IPv4-mapped, 6to4, NAT64), or are
refused (Teredo, IPv4-compatible). The lists are those of IANA's special-purpose registries, as
:mod:`ipaddress` has them, and below what older versions of Python lack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_OF_A_URL = 2048

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)
_LOOKS_LIKE_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)", re.ASCII)
_WRITTEN = re.compile(r"[\x21-\x7e]+", re.ASCII)

_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NEVER: tuple[Network, ...] = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of one network
    IPv6Network("100::/64"),
    IPv6Network("2001::/23"),  # Teredo and other protocols
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("fec0::/10"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("240.0.0.0/4"),
)


class RefusedAddress(ValueError):
    """No message may go there; the message is a sentence for whoever has set up the webhook."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be called although it is private or unencrypted."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Allowance:
        """Read host names, addresses and networks (CIDR)."""
        names, networks = set[str](), []
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def has(self, address: Address) -> bool:
        """Whether this address stands in the list."""
        seen = _plain(address)
        return any(seen.version == one.version and seen in one for one in self.networks)


@dataclass(frozen=True, slots=True)
class Target:
    """An address of the web, taken apart: ``literal`` is set where the host is no name."""

    secure: bool
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def authority(self) -> str:
        """The host as the header ``Host`` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _DEFAULT_PORTS["https" if self.secure else "http"]
        return host if usual else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Take an address apart. Raises :class:`RefusedAddress` for what is none, or says more than
    where to go: a log-in, a fragment."""
    if len(url) > MOST_OF_A_URL:
        raise RefusedAddress(f"Use at most {MOST_OF_A_URL} characters.")
    if not _WRITTEN.fullmatch(url) or "\\" in url:
        raise RefusedAddress("Give a web address in ASCII, other characters percent-encoded.")
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise RefusedAddress("Give a web address, such as https://hooks.example/quickpoll.")
    if "@" in parts.netloc:
        raise RefusedAddress("Leave name and password out: messages are signed.")
    if "#" in url:
        raise RefusedAddress("Leave out the # and what comes after it.")
    literal = _literal(parts.hostname)
    host = str(literal) if literal else parts.hostname.rstrip(".")
    if literal is None and not (_NAME.fullmatch(host) and len(host) <= 253):
        raise RefusedAddress("This is not the name of a host.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, _port(parts), path, literal)


def judge_target(target: Target, allowed: Allowance) -> None:
    """Judge what can be judged without asking for a name's addresses.

    Raises :class:`RefusedAddress`.
    """
    known = target.host in allowed.names
    if target.literal is not None:
        known = known or allowed.has(target.literal)
        if not known and not is_public(target.literal):
            raise RefusedAddress("This address is not a public one.")
    if not target.secure and not known:
        raise RefusedAddress("Messages go to https alone.")


def judge_addresses(target: Target, addresses: list[Address], allowed: Allowance) -> None:
    """Judge the addresses that a name has at this moment. Raises :class:`RefusedAddress`."""
    judge_target(target, allowed)
    if target.host in allowed.names:
        return
    if not addresses or not all(allowed.has(one) or is_public(one) for one in addresses):
        raise RefusedAddress("This name has an address that is not a public one.")


def is_public(address: Address) -> bool:
    """Whether everybody can reach it, and so nobody gives a secret away by answering there."""
    seen = _plain(address)
    if any(seen.version == one.version and seen in one for one in _NEVER):
        return False
    return seen.is_global and not seen.is_multicast and not seen.is_reserved


def _plain(address: Address) -> Address:
    """The address that is really reached where another one is written inside it."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise RefusedAddress(
            "Give a web address, such as https://hooks.example/quickpoll."
        ) from None


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if not port:
        raise RefusedAddress("A port is a number from 1 to 65535.")
    return port


def _literal(host: str) -> Address | None:
    """The address that a host is. One that only looks like a number is refused: some resolvers read
    ``127.1`` and ``0x7f000001`` as addresses."""
    try:
        found = ip_address(host)
    except ValueError:
        if ":" in host or _LOOKS_LIKE_A_NUMBER.fullmatch(host.rstrip(".")):
            raise RefusedAddress("This is neither a name nor an address.") from None
        return None
    if isinstance(found, IPv6Address) and found.scope_id:
        raise RefusedAddress("This is neither a name nor an address.")
    return found
