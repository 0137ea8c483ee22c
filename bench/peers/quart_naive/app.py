"""The poll service in its naive form on the service's own framework: Quart under Hypercorn.

Only voting, to show what the framework costs when nothing is done about it.

    hypercorn --worker-class uvloop --workers 0 app:app
"""

import json
import os
from datetime import UTC, datetime

import jwt
import redis.asyncio as aioredis
from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import DuplicateKeyError
from quart import Quart, abort, request

SECRET = os.environ["JWT_SECRET_KEY"]

app = Quart(__name__)


@app.before_serving
async def open_stores():
    app.mongo = AsyncIOMotorClient(os.environ["API_DATABASE_URL"], tz_aware=True)
    app.db = app.mongo.get_default_database()
    app.cache = aioredis.Redis(
        connection_pool=aioredis.ConnectionPool(
            host=os.environ["API_REDIS_HOST"],
            port=int(os.environ["API_REDIS_PORT"]),
            max_connections=1000,
            decode_responses=True,
        )
    )
    await app.db.vote.create_index([("userId", 1), ("pollId", 1)], unique=True)
    await app.db.vote.create_index([("pollId", 1), ("optionId", 1)])


@app.after_serving
async def close_stores():
    app.mongo.close()
    await app.cache.aclose()


def current_user():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
        return ObjectId(claims["sub"])
    except (jwt.InvalidTokenError, InvalidId):
        abort(401)


def poll_answer(poll):
    return {
        "id": str(poll["_id"]),
        "question": poll["question"],
        "options": [{"id": str(o["id"]), "text": o["text"]} for o in poll["options"]],
    }


@app.post("/api/poll/create-poll")
async def create_poll():
    user = current_user()
    body = await request.get_json()
    poll = {
        "_id": ObjectId(),
        "question": body["question"],
        "userId": user,
        "createdAt": datetime.now(UTC),
        "options": [{"id": ObjectId(), "text": option["text"]} for option in body["options"]],
        "status": "open",
    }
    await app.db.poll.insert_one(poll)
    return poll_answer(poll), 201


@app.post("/api/poll/vote-on-poll/<poll_id>/<option_id>")
async def vote_on_poll(poll_id, option_id):
    user = current_user()
    poll = await app.db.poll.find_one({"_id": ObjectId(poll_id)})
    if poll is None or ObjectId(option_id) not in [option["id"] for option in poll["options"]]:
        abort(404)
    if await app.db.vote.find_one({"userId": user, "pollId": poll["_id"]}) is not None:
        abort(409)
    vote = {
        "_id": ObjectId(),
        "userId": user,
        "pollId": poll["_id"],
        "optionId": ObjectId(option_id),
        "createdAt": datetime.now(UTC),
    }
    try:
        await app.db.vote.insert_one(vote)
    except DuplicateKeyError:
        abort(409)
    count = await app.cache.incr(f"poll:{poll_id}:option:{option_id}")
    update = {"event": "vote-update", "pollId": poll_id, "optionId": option_id, "count": count}
    await app.cache.publish("poll-updates", json.dumps(update))
    return {
        "id": str(vote["_id"]),
        "userId": str(user),
        "optionId": option_id,
        "pollId": poll_id,
        "createdAt": vote["createdAt"].isoformat(),
    }, 201
