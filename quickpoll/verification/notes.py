"""Signed notes, verifier keys and checkpoints (C2SP signed-note and tlog-checkpoint).

Sources: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint. A note is a text, an
empty line, and signatures, each a line ``— <key name> <base64(key id ‖ signature)>``. Only Ed25519
(type 0x01) is spoken here. A checkpoint is a note whose text is an origin, a size and a root.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from quickpoll.verification import objects

ED25519 = b"\x01"
MOST_SIGNATURES = 64
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_VKEY = re.compile(r"([^\s+\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,14}")
"""A number as the formats write it: no sign, no leading zeros."""


class BadNote(ValueError):
    """Not what its format says; the message says in what."""


class UnknownSigner(BadNote):
    """No signature of a known key, or one that is wrong."""


def from_base64(text: str, length: int | None = None) -> bytes:
    """Standard base64 with padding, and no other spelling of it. Raises :class:`BadNote`."""
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        raise BadNote("bad base64") from None
    if to_base64(found) != text or length not in (None, len(found)):
        raise BadNote("bad base64")
    return found


def to_base64(content: bytes) -> str:
    """Standard base64 with padding."""
    return b2a_base64(content, newline=False).decode("ascii")


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key, with its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``<name>+<key id>+<base64(0x01 ‖ public key)>``. Raises :class:`BadNote`."""
        found = _VKEY.fullmatch(text.strip())
        if found is None:
            raise BadNote("a verifier key is <name>+<8 hex digits>+<base64>")
        name, said, encoded = found.groups()
        content = from_base64(encoded, 33)
        if content[:1] != ED25519:
            raise BadNote("the key is not an Ed25519 key")
        if key_id(name, content[1:]).hex() != said:
            raise BadNote("the key's id does not fit the key")
        return cls(name, content[1:])

    @property
    def id(self) -> bytes:
        """Its four bytes in signature lines."""
        return key_id(self.name, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{to_base64(ED25519 + self.public)}"

    def is_signed(self, text: bytes, signature: bytes) -> bool:
        """Whether a signature over a text is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_keys(content: bytes) -> list[VerifierKey]:
    """The lines of ``/log/key``. Raises :class:`BadNote`."""
    return [VerifierKey.parse(line) for line in _text(content).split("\n") if line]


class Signer:
    """A private key with its name: it signs notes."""

    def __init__(self, name: str, private: bytes) -> None:
        """Raises ``ValueError`` for a bad name, or a key that has not 32 bytes."""
        if _KEY_NAME.fullmatch(name) is None:
            raise ValueError("a key's name has no blanks and no +")
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.key = VerifierKey(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """The note with this text, which ends in a newline."""
        content = text.encode()
        signature = to_base64(self.key.id + self._key.sign(content))
        return content + f"\n— {self.key.name} {signature}\n".encode()


def _text(content: bytes) -> str:
    if _CONTROL.search(content):
        raise BadNote("it holds control characters")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadNote("it is not UTF-8") from None


def open_note(content: bytes, keys: Iterable[VerifierKey]) -> tuple[str, VerifierKey]:
    """The text of a note that one of these keys has signed, and the key.

    Signatures of others are passed over; a known key's that is wrong spoils the note. Raises
    :class:`BadNote`, :class:`UnknownSigner`.
    """
    text, empty_line, below = _text(content).rpartition("\n\n")
    if not empty_line or not below.endswith("\n"):
        raise BadNote("it has no signatures")
    lines = below.split("\n")[:-1]
    if len(lines) > MOST_SIGNATURES:
        raise BadNote("it has too many signatures")
    known = {(key.name, key.id): key for key in keys}
    signers = []
    for line in lines:
        name, signature = _signature(line)
        if key := known.get((name, signature[:4])):
            if not key.is_signed(f"{text}\n".encode(), signature[4:]):
                raise UnknownSigner(f"the signature of {name} is wrong")
            signers.append(key)
    if not signers:
        raise UnknownSigner("it is not signed by a key that is trusted here")
    return f"{text}\n", signers[0]


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise BadNote("a signature line is — <key name> <base64>")
    signature = from_base64(found[2])
    if len(signature) < 5:
        raise BadNote("a signature is too short")
    return found[1], signature


@dataclass(frozen=True)
class Checkpoint:
    """A log at one moment: whose, how many entries, and the root above them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a text of exactly three lines. Raises :class:`BadNote`."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise BadNote("a checkpoint is an origin, a size and a root, a line each")
        if not DECIMAL.fullmatch(lines[1]):
            raise BadNote("the size is no number")
        return cls(lines[0], int(lines[1]), from_base64(lines[2], 32))


def open_checkpoint(content: bytes, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, VerifierKey]:
    """A signed checkpoint and the key that signed it. Raises :class:`BadNote`."""
    text, key = open_note(content, keys)
    return Checkpoint.parse(text), key


def parse_announced(content: bytes) -> tuple[int, bytes]:
    """Size and root in a live update, or in its ``checkpoint`` alone: they are not signed, and
    prove something only to whoever heard them. Raises ``ValueError``."""
    found = objects.inner(objects.read_object(content), "checkpoint")
    objects.held_to({"size": objects.whole, "root": objects.text}, found)
    return found["size"], from_base64(found["root"], 32)
