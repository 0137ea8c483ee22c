"""Notes, keys, checkpoints and proofs: what others signed can be read, what is malformed not."""

from __future__ import annotations

from base64 import b64encode

import pytest

from quickpoll.verification.notes import (
    BadNote,
    Checkpoint,
    Signer,
    UnknownSigner,
    VerifierKey,
    from_base64,
    open_checkpoint,
    open_note,
    parse_announced,
    parse_keys,
)
from quickpoll.verification.proof import Proof

# The note in the documentation of Go's package for notes, and a checkpoint of Go's public log.
peters_key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
peters_text = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
peters_note = (
    f"{peters_text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFY"
    "C2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
gos_key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
gos_checkpoint = (
    "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n"
    "— sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVt"
    "Yspg3dxXABkGZZKdsQ8=\n"
).encode()

signer = Signer("polls.example.org", bytes(range(32)))
other = Signer("polls.example.org", bytes(32))
root = b64encode(bytes(32)).decode()
text = f"polls.example.org/log/x\n7\n{root}\n"


def test_a_note_of_others_is_opened() -> None:
    key = VerifierKey.parse(peters_key)
    assert open_note(peters_note, [key]) == (peters_text, key)
    assert str(key) == peters_key


def test_a_checkpoint_of_others_is_opened() -> None:
    checkpoint, key = open_checkpoint(gos_checkpoint, parse_keys(gos_key.encode()))
    assert (checkpoint.origin, checkpoint.size) == ("go.sum database tree", 65209736)
    assert key.name == "sum.golang.org"


def test_what_is_signed_here_is_opened_here() -> None:
    checkpoint, key = open_checkpoint(signer.sign(text), [other.key, signer.key])
    assert checkpoint == Checkpoint("polls.example.org/log/x", 7, bytes(32))
    assert checkpoint.text == text
    assert key == signer.key


def test_signatures_of_strangers_are_passed_over() -> None:
    note = signer.sign(text) + other.sign(text).rpartition(b"\n\n")[2]
    assert open_note(note, [other.key])[1] == other.key
    many = signer.sign(text) + b"\xe2\x80\x94 witness.example AAAAAAAA\n" * 16
    assert open_note(many, [signer.key])[1] == signer.key


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    lines = other.sign("another text\n").rpartition(b"\n\n")[2]
    with pytest.raises(UnknownSigner, match="wrong"):
        open_note(signer.sign(text) + lines, [signer.key, other.key])


def test_every_bit_of_a_note_matters() -> None:
    note = signer.sign(text)
    for at in range(len(note)):
        with pytest.raises(BadNote):
            open_checkpoint(note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :], [signer.key])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no signature\n",
        text.encode(),
        signer.sign(text)[:-1],
        signer.sign(text) + b"more\n",
        signer.sign(text) + "— a b\n".encode() * 99,
        signer.sign(text).replace(b"\n7\n", b"\n7\r\n"),
        b"\xff" + signer.sign(text),
        "x\n\n— polls.example.org AAA\n".encode(),
        "x\n\n— polls.example.org AAAA\n".encode(),
    ],
)
def test_what_is_no_note_is_refused(content: bytes) -> None:
    with pytest.raises(BadNote):
        open_note(content, [signer.key])


@pytest.mark.parametrize(
    "wrong",
    [
        "a/log\n7\n",
        f"a/log\n07\n{root}\n",
        f"a/log\n-7\n{root}\n",
        f"a/log\n+7\n{root}\n",
        f"a/log\n\u0667\n{root}\n",
        f"a/log\n{'9' * 30}\n{root}\n",
        f"a/log\n7\n{root}\nextension\n",
        f"a/log\n7\n{root[:-1]}\n",
        f"a/log\n7\n{root[:-2]}B=\n",
        f"a/log\n7\n{b64encode(bytes(31)).decode()}\n",
        f"\n7\n{root}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(wrong: str) -> None:
    with pytest.raises(BadNote):
        open_checkpoint(signer.sign(wrong), [signer.key])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        peters_key[:-1],
        peters_key.replace("c74f20a3", "c74f20a4"),
        peters_key.replace("c74f20a3", "C74F20A3"),
        peters_key.replace("Peter", "Peter "),
        f"name+00000000+{b64encode(bytes([1] * 32)).decode()}",
        f"name+00000000+{b64encode(bytes(33)).decode()}",
    ],
)
def test_what_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(BadNote):
        VerifierKey.parse(wrong)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\n"])
def test_a_key_has_a_name_without_blanks_and_plus(name: str) -> None:
    with pytest.raises(ValueError, match="no blanks"):
        Signer(name, bytes(32))


@pytest.mark.parametrize("wrong", ["QQ", "QR==", "QQ==\n", " QQ==", "QQ=", "Q-__"])
def test_base64_has_one_spelling(wrong: str) -> None:
    assert from_base64("QQ==") == b"A"
    with pytest.raises(BadNote):
        from_base64(wrong)


def test_a_live_updates_checkpoint_is_read() -> None:
    found = f'{{"size": 7, "root": "{root}"}}'
    for content in (found, f'{{"pollId": "x", "checkpoint": {found}}}'):
        assert parse_announced(content.encode()) == (7, bytes(32))
    for wrong in ("[]", "{}", found.replace("7", "-7"), found.replace("7", "true"), "[" * 9999):
        with pytest.raises(ValueError, match=r"missing|JSON"):
            parse_announced(wrong.encode())


@pytest.mark.parametrize("extra", [None, b"", b"{}"])
@pytest.mark.parametrize("path", [[], [bytes(32), bytes([7] * 32)]])
def test_a_proof_is_read_as_it_was_written(extra: bytes | None, path: list[bytes]) -> None:
    proof = Proof(12, path, signer.sign(text), extra)
    assert Proof.parse(bytes(proof)) == proof


def test_a_proof_is_that_of_c2sp() -> None:
    lines = ["c2sp.org/tlog-proof@v1", "extra e30=", "index 7", root, "", text, "— a b"]
    proof = Proof.parse("\n".join(lines).encode())
    assert (proof.index, proof.path, proof.extra) == (7, [bytes(32)], b"{}")
    assert proof.checkpoint == f"{text}\n— a b".encode()


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["c2sp.org/tlog-proof@v2", "index 7"],
        ["c2sp.org/tlog-proof@v1"],
        ["c2sp.org/tlog-proof@v1", "index 07"],
        ["c2sp.org/tlog-proof@v1", "index -7"],
        ["c2sp.org/tlog-proof@v1", "index 7", "extra e30="],
        ["c2sp.org/tlog-proof@v1", "extra e30", "index 7"],
        ["c2sp.org/tlog-proof@v1", "index 7", "AAAA"],
    ],
)
def test_what_is_no_proof_is_refused(lines: list[str]) -> None:
    with pytest.raises(BadNote):
        Proof.parse("\n".join([*lines, "", text]).encode())
