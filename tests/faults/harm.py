"""What is done to the service. Each answers when everything is in place again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from signal import SIGCONT, SIGSTOP

from tests.faults.clocks import shifted_clock
from tests.faults.world import World

Harm = Callable[[World, random.Random, float], Awaitable[None]]
"""``scale`` stretches the time that something stays away."""


async def kill_instance(world: World, chance: random.Random, scale: float) -> None:
    """kill -9 of an instance in mid-batch; the other one goes on, it comes back later."""
    instance = chance.choice(world.instances)
    await asyncio.to_thread(instance.kill)


async def stop_instance(world: World, chance: random.Random, scale: float) -> None:
    """SIGSTOP of an instance in mid-batch, longer than its mark lives."""
    instance = chance.choice(world.instances)
    world.signal(instance, SIGSTOP)
    await asyncio.sleep(chance.uniform(3.2, 4.0) * max(scale, 1.0))
    world.signal(instance, SIGCONT)


async def end_instance(world: World, chance: random.Random, scale: float) -> None:
    """SIGTERM to an instance; the other one goes on."""
    status = await asyncio.to_thread(chance.choice(world.instances).stop)
    assert status == 0, f"it ended with {status}"


async def kill_mongo(world: World, chance: random.Random, scale: float) -> None:
    """kill -9 of MongoDB in mid-write."""
    await asyncio.to_thread(world.stores.mongo.kill)
    await asyncio.sleep(chance.uniform(0.1, 1.0) * scale)
    await asyncio.to_thread(world.stores.mongo.start)


async def hang_mongo(world: World, chance: random.Random, scale: float) -> None:
    """SIGSTOP of MongoDB: writes that were sent are done after their time."""
    world.stores.mongo.pause()
    await asyncio.sleep(chance.uniform(2.0, 4.5) * scale)
    world.stores.mongo.resume()


async def kill_redis(world: World, chance: random.Random, scale: float) -> None:
    """kill -9 of Redis; it comes back empty."""
    await asyncio.to_thread(world.stores.redis.kill)
    await asyncio.sleep(chance.uniform(0.1, 1.5) * scale)
    await asyncio.to_thread(world.stores.redis.start)


async def hang_redis(world: World, chance: random.Random, scale: float) -> None:
    """SIGSTOP of Redis: commands that were sent are done later."""
    world.stores.redis.pause()
    await asyncio.sleep(chance.uniform(0.3, 3.0) * scale)
    world.stores.redis.resume()


async def flush(world: World, chance: random.Random, scale: float) -> None:
    """FLUSHALL in mid-storm, a few times."""
    for _ in range(chance.randint(1, 6)):
        await asyncio.to_thread(world.redis.flushall)
        await asyncio.sleep(chance.uniform(0.0, 0.2))


async def kill_clients(world: World, chance: random.Random, scale: float) -> None:
    """CLIENT KILL of every connection to Redis, a few times."""
    for _ in range(chance.randint(1, 10)):
        for kind in ("normal", "pubsub"):
            await asyncio.to_thread(world.redis.execute_command, "CLIENT", "KILL", "TYPE", kind)
        await asyncio.sleep(chance.uniform(0.0, 0.1))


async def kill_subscribers(world: World, chance: random.Random, scale: float) -> None:
    """CLIENT KILL of the subscriptions alone."""
    await asyncio.to_thread(world.redis.execute_command, "CLIENT", "KILL", "TYPE", "pubsub")


async def cut_off(world: World, chance: random.Random, scale: float) -> None:
    """One of the instances cannot reach Redis, the other one can."""
    wire = chance.choice(world.wires).redis
    wire.cut()
    await asyncio.sleep(chance.uniform(0.2, 2.5) * scale)
    wire.mend()


async def silence(world: World, chance: random.Random, scale: float) -> None:
    """What one of the instances says to Redis arrives much later."""
    wire = chance.choice(world.wires).redis
    wire.silence()
    await asyncio.sleep(chance.uniform(0.3, 2.5) * scale)
    wire.mend()


async def cut_off_for_long(world: World, chance: random.Random, scale: float) -> None:
    """One of the instances cannot reach one of the stores for longer than any mark lives."""
    wire = chance.choice(world.all_wires)
    wire.cut()
    await asyncio.sleep(chance.uniform(5.0, 15.0) * scale)
    wire.mend()


async def one_way(world: World, chance: random.Random, scale: float) -> None:
    """A store hears an instance and is not heard, or the other way round."""
    wire, forth = chance.choice(world.all_wires), chance.random() < 0.5
    wire.silence(forth=forth, back=not forth)
    await asyncio.sleep(chance.uniform(1.0, 10.0) * scale)
    wire.mend()


async def stall_mongo(world: World, chance: random.Random, scale: float) -> None:
    """What an instance sends to MongoDB arrives when everybody has given it up."""
    wire = chance.choice(world.wires).mongo
    wire.silence()
    await asyncio.sleep(stall_seconds(chance, scale))
    wire.mend()


async def stall_redis(world: World, chance: random.Random, scale: float) -> None:
    """What an instance sends to Redis arrives when everybody has given it up."""
    wire = chance.choice(world.wires).redis
    wire.silence()
    await asyncio.sleep(stall_seconds(chance, scale))
    wire.mend()


def stall_seconds(chance: random.Random, scale: float) -> float:
    """5 to 60 seconds, each length as likely as twice of it."""
    times: float = 12.0 ** chance.random()
    return 5.0 * times * scale


async def slow_mongo(world: World, chance: random.Random, scale: float) -> None:
    """Every operation takes 300 ms to 2 s, on one of the instances or on both."""
    wires = [one.mongo for one in chance.choice((world.wires, [chance.choice(world.wires)]))]
    for wire in wires:
        wire.slow_down(lambda: chance.uniform(0.3, 2.0))
    await asyncio.sleep(chance.uniform(4.0, 10.0) * scale)
    for wire in wires:
        wire.mend()


async def clocks_apart(world: World, chance: random.Random, scale: float) -> None:
    """An instance starts again with a clock that is up to a second off; Redis is lost under it."""
    instance, seconds = chance.choice(world.instances), chance.choice((-1.0, -0.3, 0.3, 1.0))
    status = await asyncio.to_thread(instance.stop)
    assert status == 0, f"it ended with {status}"
    instance.variables.update(shifted_clock(seconds))
    try:
        await asyncio.to_thread(instance.start)
        for _ in range(chance.randint(4, 12)):
            await asyncio.sleep(chance.uniform(0.1, 0.7) * scale)
            await asyncio.to_thread(world.redis.flushall)
    finally:
        for name in shifted_clock(seconds):
            del instance.variables[name]
    # It keeps its clock until it is next started.


async def flush_and_kill_instance(world: World, chance: random.Random, scale: float) -> None:
    """FLUSHALL, and right after it kill -9 of an instance: its marks are gone, too."""
    await asyncio.to_thread(world.redis.flushall)
    await asyncio.sleep(chance.uniform(0.0, 0.02))
    await kill_instance(world, chance, scale)


async def hang_mongo_and_flush(world: World, chance: random.Random, scale: float) -> None:
    """FLUSHALL while MongoDB hangs with writes on their way."""
    world.stores.mongo.pause()
    await asyncio.sleep(chance.uniform(0.5, 3.0) * scale)
    await asyncio.to_thread(world.redis.flushall)
    await asyncio.sleep(chance.uniform(0.1, 1.0) * scale)
    world.stores.mongo.resume()


async def kill_everything(world: World, chance: random.Random, scale: float) -> None:
    """Both stores and an instance at the same moment."""
    await kill_instance(world, chance, scale)
    await asyncio.to_thread(world.stores.redis.kill)
    await kill_mongo(world, chance, scale)
    await asyncio.to_thread(world.stores.redis.start)


harms: dict[str, Harm] = {
    "kill -9 instance": kill_instance,
    "SIGSTOP instance": stop_instance,
    "SIGTERM instance": end_instance,
    "kill -9 MongoDB": kill_mongo,
    "SIGSTOP MongoDB": hang_mongo,
    "kill -9 Redis": kill_redis,
    "SIGSTOP Redis": hang_redis,
    "FLUSHALL": flush,
    "CLIENT KILL": kill_clients,
    "Redis cut off": cut_off,
    "Redis silent": silence,
    "FLUSHALL, kill -9": flush_and_kill_instance,
    "MongoDB hangs, FLUSHALL": hang_mongo_and_flush,
    "kill -9 all": kill_everything,
    "cut off for long": cut_off_for_long,
    "one way": one_way,
    "MongoDB stalls": stall_mongo,
    "Redis stalls": stall_redis,
    "slow MongoDB": slow_mongo,
    "clocks apart": clocks_apart,
}
