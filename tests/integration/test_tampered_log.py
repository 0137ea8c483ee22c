"""One bit of what a real service has published is another one: in a copy on disk, looked at by
``quart --app quickpoll verify``, and on the server itself, in its database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId
from click.testing import CliRunner, Result

from quickpoll.cli.verify import verify
from quickpoll.composition import Services
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import environment, settings_from
from tests.integration.log_harness import LogCopy, Poll, act, copy_log, grown, log_settings

owner = "65f1c0ffee0000000000e101"


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    """A service that signs logs."""
    return settings_from(environment(stores, name, **log_settings))


async def closed_poll(client: httpx.AsyncClient) -> tuple[Poll, str]:
    """A poll with six ballots, closed and logged; and one of its voters."""
    poll = await create_poll(client, owner, verifiable=True)
    users = [token_hex(12) for _ in range(6)]
    for place, user in enumerate(users):
        await vote(client, poll, place % 3, user)
    await act(client, "POST", "close-poll", poll, owner)
    await grown(client, poll, 8)
    return poll, users[0]


def flipped(content: bytes, place: int) -> bytes:
    """The same with the lowest bit of one byte turned round."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def in_the_salt(content: bytes) -> int:
    """A place in an opening at which it stays well-formed: a digit."""
    start = content.index(b'"salt":"') + 8
    return next(at for at in range(start, start + 64) if content[at : at + 1].isdigit())


def in_the_path(content: bytes) -> int:
    """A place in a receipt's path at which it stays well-formed: a letter of base64."""
    start = content.index(b"\n", content.index(b"index ")) + 1
    return next(
        at for at in range(start, start + 40) if flipped(content, at)[at : at + 1].isalnum()
    )


FILES: dict[str, tuple[str, Callable[[bytes], int], str]] = {
    "tile": ("tile/0/000.p/8", lambda content: len(content) // 2, "tile_hash"),
    "entry": ("tile/entries/000.p/8", lambda content: len(content) // 2, "tile_hash"),
    "head": ("checkpoint", lambda content: content.index(b"\n8\n") + 5, "signature"),
    "opening": ("openings", in_the_salt, "commitment"),
    "receipt": ("", in_the_path, "receipt_"),
}


def checked(copy: LogCopy, receipt: bytes, folder: Path) -> Result:
    """What the command says of a copy on disk."""
    for path, content in copy.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "mine").write_bytes(receipt)
    where, kept = str(folder / "log" / copy.poll_id), str(folder / "mine")
    return CliRunner().invoke(verify, ["--patience", "0", where, "--receipt", kept])


async def test_one_bit_of_a_copy_is_found_and_named(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    poll, user = await closed_poll(client)
    copy = await copy_log(client, poll)
    receipt = (await act(client, "GET", "receipt", poll, user)).content
    whole = checked(copy, receipt, tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    for name, (path, place, code) in FILES.items():
        files, own = dict(copy.files), receipt
        if path:
            file = f"log/{poll['id']}/{path}"
            files[file] = flipped(files[file], place(files[file]))
        else:
            own = flipped(receipt, place(receipt))
        found = checked(LogCopy(poll["id"], files), own, tmp_path / name)
        assert found.exit_code == 1, (name, found.output)
        assert any(line.startswith(code) for line in found.output.splitlines()), found.output


async def test_one_bit_in_the_database_is_found_and_named(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    """The service itself serves what was changed there, and cannot hide it."""
    database = services.mongo[settings.database_name]

    async def bundle(poll: ObjectId) -> None:
        tile = {"_id": f"{poll}/tile/entries/000"}
        content = bytes((await database["log_tile"].find_one(tile) or {})["content"])
        await database["log_tile"].update_one(tile, _set("content", flipped(content, 200)))

    async def head(poll: ObjectId) -> None:
        log = await database["log"].find_one({"_id": poll}) or {}
        note = bytes(log["published"]["note"])
        at = note.index(b"\n8\n") + 5
        await database["log"].update_one({"_id": poll}, _set("published.note", flipped(note, at)))

    async def salt(poll: ObjectId) -> None:
        ballot = await database["vote"].find_one({"pollId": poll, "log.salt": {"$gt": ""}})
        assert ballot is not None
        await database["vote"].update_one({"_id": ballot["_id"]}, _set("log.salt", "0" * 64))

    async def choice(poll: ObjectId) -> None:
        ballot = await database["vote"].find_one({"pollId": poll})
        assert ballot is not None
        others = {"pollId": poll, "optionIds": {"$ne": ballot["optionIds"][0]}}
        other = await database["vote"].find_one(others)
        assert other is not None
        change = _set("optionIds", other["optionIds"])
        await database["vote"].update_one({"_id": ballot["_id"]}, change)

    for change, code in (
        (bundle, "tile_hash"),
        (head, "signature"),
        (salt, "commitment"),
        (choice, "commitment"),
    ):
        poll, _ = await closed_poll(client)
        await change(ObjectId(poll["id"]))
        report = (await copy_log(client, poll)).check()
        assert code in {one.code for one in report.findings}, (change.__name__, report.findings)


def _set(field: str, value: Any) -> dict[str, Any]:
    return {"$set": {field: value}}
