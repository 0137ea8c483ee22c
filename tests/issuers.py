"""An issuer of tokens: keys of every kind, and a web server that publishes them."""

from __future__ import annotations

import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import get_default_algorithms

user = "65f1c0ffee0000000000c001"

_curves: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}


@cache
def private_key(algorithm: str, name: str = "first") -> Any:
    """A key pair for an algorithm; another one for each name."""
    if algorithm in _curves:
        return ec.generate_private_key(_curves[algorithm])
    if algorithm == "EdDSA":
        return ed448.Ed448PrivateKey.generate() if name == "448" else _ed25519()
    return rsa.generate_private_key(65537, 1024 if name == "weak" else 2048)


def _ed25519() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_jwk(algorithm: str, name: str = "first", **members: Any) -> dict[str, Any]:
    """The public half as an issuer publishes it; a member that is ``None`` is left out."""
    published = get_default_algorithms()[algorithm].to_jwk(
        private_key(algorithm, name).public_key(), as_dict=True
    )
    published.pop("key_ops", None)
    known = {"kid": name, "use": "sig", "alg": algorithm, **published, **members}
    return {member: value for member, value in known.items() if value is not None}


def signed(
    algorithm: str, name: str = "first", *, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token signed with the private half."""
    known = {"sub": user, "exp": time.time() + 3600, **claims}
    given = {"kid": name, **(header or {})}
    headers = {member: value for member, value in given.items() if value is not None}
    return jwt.encode(known, private_key(algorithm, name), algorithm, headers=headers)


class Publisher:
    """A web server on loopback that publishes key sets, and can go away and come back."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.body: bytes | None = None
        self.status = 200
        self.location: str | None = None
        self.asked = 0
        self.hangs = threading.Event()
        self._released = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self._port}/jwks.json"

    def start(self) -> Publisher:
        """Publish."""
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                if publisher.hangs.is_set():
                    publisher._released.wait(30)
                self.send_response(publisher.status)
                if publisher.location is not None:
                    self.send_header("Location", publisher.location)
                self.end_headers()
                self.wfile.write(publisher.document())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Go away; the port stays ours to come back to."""
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def document(self) -> bytes:
        """What is published."""
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
