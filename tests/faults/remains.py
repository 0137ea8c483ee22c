"""Whatever still names somebody: documents, keys of Redis, lines of the log, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bson
import httpx
from bson import ObjectId

from tests.faults.world import World


def spellings(user: str) -> tuple[bytes, ...]:
    """How an id may be written: in hexadecimal, in binary, as binary is escaped in a text."""
    binary = ObjectId(user).binary
    return user.encode(), user.upper().encode(), binary, repr(binary)[2:-1].encode()


def remains(world: World, users: Iterable[str]) -> list[str]:
    """Every place where one of these ids stands."""
    sought = {one: user for user in users for one in spellings(user)}
    return [
        f"{place} names {user}"
        for place, content in _everything(world)
        for one, user in sought.items()
        if one in content
    ]


def _everything(world: World) -> Iterator[tuple[str, bytes]]:
    for name in world.mongo.list_collection_names():
        for document in world.mongo[name].find():
            yield f"{name} {document}", bson.encode(document)
    for key in map(str, world.redis.scan_iter("*")):
        yield f"key {key}", key.encode() + repr(_value(world, key)).encode()
    for instance in world.living:
        yield f"metrics of {instance.url}", httpx.get(f"{instance.url}/metrics").content
    if world.log is not None:
        for line in world.log.read_bytes().splitlines():
            yield f"log: {line.decode(errors='replace')[:300]}", line


def _value(world: World, key: str) -> Any:
    """What a key holds: a dump would be compressed."""
    reads: dict[str, Any] = {
        "string": lambda: world.redis.get(key),
        "hash": lambda: world.redis.hgetall(key),
        "zset": lambda: world.redis.zrange(key, 0, -1, withscores=True),
        "set": lambda: world.redis.smembers(key),
        "list": lambda: world.redis.lrange(key, 0, -1),
    }
    kind = world.redis.type(key)
    assert kind in {*reads, "none"}, f"{key} is a {kind!r}"
    return reads[kind]() if kind in reads else ""
