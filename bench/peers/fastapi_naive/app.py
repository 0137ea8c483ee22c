"""The poll service in its naive form: FastAPI, uvicorn, Motor, redis-py, python-socketio.

What a person would write first: every request asks the stores one thing after the other. Tuned
fairly all the same: uvloop, httptools, pooled clients, no access log. With ``EMIT=1`` it emits
every vote to the poll's watchers.

    uvicorn app:serve --loop uvloop --http httptools --ws websockets --no-access-log
"""

import json
import os
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import jwt
import redis.asyncio as aioredis
import socketio
from bson import ObjectId
from bson.errors import InvalidId
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel
from pymongo.errors import DuplicateKeyError

SECRET = os.environ["JWT_SECRET_KEY"]
EMIT = os.environ.get("EMIT") == "1"

mongo = AsyncIOMotorClient(os.environ["API_DATABASE_URL"], tz_aware=True)
db = mongo.get_default_database()
# redis-py's own pool ends at 100 connections and then fails commands; this one has room.
cache = aioredis.Redis(
    connection_pool=aioredis.ConnectionPool(
        host=os.environ["API_REDIS_HOST"],
        port=int(os.environ["API_REDIS_PORT"]),
        max_connections=1000,
        decode_responses=True,
    )
)
sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


class OptionIn(BaseModel):
    text: str


class PollIn(BaseModel):
    question: str
    options: list[OptionIn]


class Option(BaseModel):
    id: str
    text: str
    pollId: str


class Poll(BaseModel):
    id: str
    question: str
    userId: str
    createdAt: datetime
    options: list[Option]
    status: str


class PollView(Poll):
    counts: dict[str, int]
    votersCount: int
    userHasVoted: str | None
    userHasLiked: bool


class Vote(BaseModel):
    id: str
    userId: str
    optionId: str
    pollId: str
    createdAt: datetime


@asynccontextmanager
async def lifespan(app):
    await db.vote.create_index([("userId", 1), ("pollId", 1)], unique=True)
    await db.like.create_index([("userId", 1), ("pollId", 1)], unique=True)
    await db.vote.create_index([("pollId", 1), ("optionId", 1)])
    await db.poll.create_index([("createdAt", -1), ("_id", -1)])
    yield
    mongo.close()
    await cache.aclose()


app = FastAPI(lifespan=lifespan)


def decode(token):
    try:
        claims = jwt.decode(
            token, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
        return ObjectId(claims["sub"])
    except (jwt.InvalidTokenError, InvalidId):
        raise HTTPException(401, "invalid token") from None


async def current_user(authorization: Annotated[str, Header()] = ""):
    return decode(authorization.removeprefix("Bearer "))


User = Annotated[ObjectId, Depends(current_user)]


def keys_of(poll):
    poll_id = str(poll["_id"])
    names = [str(option["id"]) for option in poll["options"]]
    return names, [f"poll:{poll_id}:option:{name}" for name in names] + [f"poll:{poll_id}:likes"]


async def counts_of(poll):
    names, keys = keys_of(poll)
    values = [int(value or 0) for value in await cache.mget(keys)]
    return dict(zip([*names, "likes"], values, strict=True))


def poll_fields(poll):
    poll_id = str(poll["_id"])
    return {
        "id": poll_id,
        "question": poll["question"],
        "userId": str(poll["userId"]),
        "createdAt": poll["createdAt"],
        "options": [
            {"id": str(option["id"]), "text": option["text"], "pollId": poll_id}
            for option in poll["options"]
        ],
        "status": poll["status"],
    }


async def view(poll, user):
    counts = await counts_of(poll)
    vote = await db.vote.find_one({"userId": user, "pollId": poll["_id"]})
    like = await db.like.find_one({"userId": user, "pollId": poll["_id"]})
    return PollView(
        **poll_fields(poll),
        counts=counts,
        votersCount=sum(counts.values()) - counts["likes"],
        userHasVoted=str(vote["optionId"]) if vote else None,
        userHasLiked=like is not None,
    )


def vote_answer(vote):
    return Vote(
        id=str(vote["_id"]),
        userId=str(vote["userId"]),
        optionId=str(vote["optionId"]),
        pollId=str(vote["pollId"]),
        createdAt=vote["createdAt"],
    )


@app.post("/api/poll/create-poll", status_code=201)
async def create_poll(body: PollIn, user: User) -> Poll:
    poll = {
        "_id": ObjectId(),
        "question": body.question,
        "userId": user,
        "createdAt": datetime.now(UTC),
        "options": [{"id": ObjectId(), "text": option.text} for option in body.options],
        "status": "open",
    }
    await db.poll.insert_one(poll)
    return Poll(**poll_fields(poll))


@app.post("/api/poll/vote-on-poll/{poll_id}/{option_id}", status_code=201)
async def vote_on_poll(poll_id: str, option_id: str, user: User, response: Response) -> Vote:
    poll = await db.poll.find_one({"_id": ObjectId(poll_id)})
    if poll is None:
        raise HTTPException(404, "no such poll")
    if ObjectId(option_id) not in [option["id"] for option in poll["options"]]:
        raise HTTPException(404, "no such option")
    present = await db.vote.find_one({"userId": user, "pollId": poll["_id"]})
    if present is not None:
        if present["optionId"] != ObjectId(option_id):
            raise HTTPException(409, "already voted")
        response.status_code = 200
        return vote_answer(present)
    vote = {
        "_id": ObjectId(),
        "userId": user,
        "pollId": poll["_id"],
        "optionId": ObjectId(option_id),
        "createdAt": datetime.now(UTC),
    }
    try:
        await db.vote.insert_one(vote)
    except DuplicateKeyError:
        raise HTTPException(409, "already voted") from None
    count = await cache.incr(f"poll:{poll_id}:option:{option_id}")
    update = {"event": "vote-update", "pollId": poll_id, "optionId": option_id, "count": count}
    await cache.publish("poll-updates", json.dumps(update))
    if EMIT:
        await emit(poll)
    return vote_answer(vote)


async def emit(poll):
    counts = await counts_of(poll)
    voters = sum(counts.values()) - counts["likes"]
    poll_id = str(poll["_id"])
    update = {"pollId": poll_id, "counts": counts, "votersCount": voters, "at": time.time() * 1000}
    await sio.emit("vote-update", update, room=poll_id)


@app.get("/api/poll/get-poll-by-id/{poll_id}")
async def get_poll_by_id(poll_id: str, user: User) -> PollView:
    poll = await db.poll.find_one({"_id": ObjectId(poll_id)})
    if poll is None:
        raise HTTPException(404, "no such poll")
    return await view(poll, user)


@app.get("/api/poll/get-all-polls")
async def get_all_polls(user: User, limit: int = 50) -> list[PollView]:
    polls = await db.poll.find().sort([("createdAt", -1), ("_id", -1)]).limit(limit).to_list(limit)
    return [await view(poll, user) for poll in polls]


@sio.event
async def connect(sid, environ, auth):
    try:
        decode((auth or {}).get("token", ""))
    except HTTPException:
        raise socketio.exceptions.ConnectionRefusedError("invalid token") from None


@sio.event
async def subscribe(sid, data):
    polls = []
    for poll_id in data["pollIds"]:
        await sio.enter_room(sid, poll_id)
        poll = await db.poll.find_one({"_id": ObjectId(poll_id)})
        polls.append({"pollId": poll_id, "counts": await counts_of(poll)})
    return {"polls": polls}


serve = socketio.ASGIApp(sio, app, socketio_path="/ws/updates") if EMIT else app
