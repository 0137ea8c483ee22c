"""Where messages may go, and that what is dialled is what was judged."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from quickpoll.webhooks.addresses import (
    Address,
    Allowance,
    RefusedAddress,
    is_public,
    judge_target,
    target_of,
)
from quickpoll.webhooks.dialling import AttemptFailed, Dialler
from tests.webhooks.receiver import Receiver

nothing_allowed = Allowance()
loopback = Allowance.parse(["127.0.0.1"])

public = ["93.184.215.14", "2606:4700::6810:84e5", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
not_public = [
    "0.0.0.0",  # noqa: S104
    *("10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254"),
    *("172.16.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1"),
]


@pytest.mark.parametrize("text", public)
def test_a_public_address_is_one(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", not_public)
def test_an_address_that_is_not_public_is_refused_whatever_it_is_written_in(text: str) -> None:
    assert not is_public(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(RefusedAddress):
        judge_target(target_of(f"https://{host}/hook"), nothing_allowed)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "https://",
            "https:///hook",
            "//hooks.example",
            "hooks.example",
            "mailto:a@b.example",
        ),
        *("https://user@hooks.example", "https://:secret@hooks.example", "https://@hooks.example"),
        *("https://hooks.example/#part", "https://hooks.example:0", "https://hooks.example:65536"),
        *("https://hooks.example:x/", "https://hooks example/", "https://hooks.example/a b"),
        *(
            "https://hooks.example/\r\nX: y",
            "https://hooks.example\\@10.0.0.1/",
            "https://-a.example",
        ),
        *("https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/"),
        *(
            "https://10.0.0.0x1/",
            "https://[fe80::1%25eth0]/",
            "https://[::1",
            "https://a..example/",
        ),
        *(
            "https://bücher.example/",
            "https://hooks.example/ü",
            "https://hooks.example/" + "a" * 2048,
        ),
        *("ftp://hooks.example/", "javascript:alert(1)", "file:///etc/passwd"),
    ],
)
def test_what_is_no_address_for_messages_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddress):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example/quickpoll?a=b", []),
        ("https://HOOKS.example.:8443/", []),
        ("https://93.184.215.14/", []),
        ("http://hooks.example/", ["hooks.EXAMPLE"]),
        ("http://127.0.0.1:9000/", ["127.0.0.1"]),
        ("http://10.1.255.1/", ["10.1.0.0/16"]),
        ("http://[::1]:9000/", ["[::1]"]),
        ("https://[::ffff:10.1.0.1]/", ["10.1.0.0/16"]),
    ],
)
def test_what_may_be_called(url: str, allowed: list[str]) -> None:
    judge_target(target_of(url), Allowance.parse(allowed))
    if allowed:
        with pytest.raises(RefusedAddress):
            judge_target(target_of(url), nothing_allowed)


def test_the_name_goes_as_it_was_written() -> None:
    assert target_of("https://hooks.example/a?b=c").authority == "hooks.example"
    assert target_of("https://hooks.example:8443").authority == "hooks.example:8443"
    assert target_of("http://[::1]:80/").authority == "[::1]"
    assert target_of("https://hooks.example?b=c").path == "/?b=c"


class Names:
    """A name server of the test's: another answer each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked += 1
        return [ip_address(one) for one in self.answers.pop(0)]


async def test_a_name_is_judged_by_all_its_addresses_each_time(receiver: Receiver) -> None:
    names = Names(["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], [])
    dialler = Dialler(nothing_allowed, names)
    for _ in range(4):
        with pytest.raises(AttemptFailed, match="refused_address"):
            await dialler.post(f"https://hooks.example:{receiver.port}/", {}, b"{}")
    assert (receiver.messages, names.asked) == ([], 4)


async def test_a_name_that_moves_between_judge_and_dial_is_not_asked_again(
    receiver: Receiver,
) -> None:
    # The second answer would be another machine's: it is never asked for.
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    dialler = Dialler(Allowance.parse(["hooks.example"]), names)
    assert (
        await dialler.post(f"http://hooks.example:{receiver.port}/hook", {"a": "b"}, b"{}") == 204
    )
    (message,) = receiver.messages
    assert message.headers["host"] == f"hooks.example:{receiver.port}"
    assert message.headers["a"] == "b"
    assert message.line == "POST /hook HTTP/1.1"
    assert names.asked == 1


async def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await Dialler(loopback).post(receiver.url, {}, b"{}") == 204


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", 202),
        (b"HTTP/1.0 200 OK\r\n\r\nfine", 200),
    ],
)
async def test_answers_are_read_as_they_come(said: bytes, status: int) -> None:
    async def says(*_: object) -> bytes:
        return said

    async with Receiver(says) as receiver:
        assert await Dialler(loopback).post(receiver.url, {}, b"{}") == status


@pytest.mark.parametrize(
    "said", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000]
)
async def test_what_is_no_answer_is_a_failure(said: bytes) -> None:
    async def says(*_: object) -> bytes:
        return said

    async with Receiver(says) as receiver:
        with pytest.raises(AttemptFailed, match="no_http"):
            await Dialler(loopback).post(receiver.url, {}, b"{}")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself, for a name and for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


@pytest.fixture
async def encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Receiver, list[str | None]]]:
    """A receiver with a certificate for ``hooks.example`` that is trusted, and the names that
    it was asked for."""
    cert_file, key_file = certificate(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    named: list[str | None] = []
    context.sni_callback = lambda _, name, __: named.append(name)
    async with Receiver(tls=context) as receiver:
        yield receiver, named


async def test_the_certificate_is_that_of_the_name(
    encrypted: tuple[Receiver, list[str | None]],
) -> None:
    receiver, named = encrypted
    allowed = Allowance.parse(["hooks.example", "other.example", "127.0.0.1"])
    dialler = Dialler(allowed, Names(["127.0.0.1"], ["127.0.0.1"]))
    assert await dialler.post(f"https://hooks.example:{receiver.port}/hook", {}, b"{}") == 204
    assert named == ["hooks.example"]
    with pytest.raises(AttemptFailed, match="certificate"):
        await dialler.post(f"https://other.example:{receiver.port}/hook", {}, b"{}")
    assert await dialler.post(receiver.url, {}, b"{}") == 204
    assert len(receiver.messages) == 2


async def test_a_certificate_that_nobody_vouches_for_is_refused_though_allowed(
    encrypted: tuple[Receiver, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, _ = encrypted
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(AttemptFailed, match="certificate"):
        await Dialler(loopback).post(receiver.url, {}, b"{}")
    assert receiver.messages == []
