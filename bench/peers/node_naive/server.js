// The poll service in its naive form on Node: Fastify, mongodb, ioredis, socket.io.
// What a person would write first: every request asks the stores one thing after the other.
// With EMIT=1 it emits every vote to the poll's watchers.
//
//     PORT=8003 node server.js

import Fastify from "fastify";
import { MongoClient, ObjectId } from "mongodb";
import { Redis } from "ioredis";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const secret = process.env.JWT_SECRET_KEY;
const emits = process.env.EMIT === "1";

const mongo = new MongoClient(process.env.API_DATABASE_URL);
const db = mongo.db();
const polls = db.collection("poll");
const votes = db.collection("vote");
const likes = db.collection("like");
const cache = new Redis({
  host: process.env.API_REDIS_HOST,
  port: Number(process.env.API_REDIS_PORT),
});

const app = Fastify({ logger: false });
const io = emits ? new Server(app.server, { path: "/ws/updates", cors: { origin: "*" } }) : null;

function userOf(token) {
  const claims = jwt.verify(token, secret, { algorithms: ["HS256"] });
  return new ObjectId(claims.sub);
}

app.decorateRequest("user", null);
app.addHook("onRequest", async (request, reply) => {
  if (!request.url.startsWith("/api/")) return;
  try {
    request.user = userOf((request.headers.authorization ?? "").slice("Bearer ".length));
  } catch {
    return reply.code(401).send({ detail: "invalid token" });
  }
});

async function countsOf(poll) {
  const id = poll._id.toHexString();
  const names = poll.options.map((option) => option.id.toHexString());
  const keys = names.map((name) => `poll:${id}:option:${name}`).concat(`poll:${id}:likes`);
  const values = await cache.mget(keys);
  const entries = names.concat("likes").map((name, place) => [name, Number(values[place] ?? 0)]);
  return Object.fromEntries(entries);
}

function votersOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.likes;
}

function pollFields(poll) {
  return {
    id: poll._id,
    question: poll.question,
    userId: poll.userId,
    createdAt: poll.createdAt,
    options: poll.options.map(({ id, text }) => ({ id, text, pollId: poll._id })),
    status: poll.status,
  };
}

async function view(poll, user) {
  const counts = await countsOf(poll);
  const vote = await votes.findOne({ userId: user, pollId: poll._id });
  const like = await likes.findOne({ userId: user, pollId: poll._id });
  return {
    ...pollFields(poll),
    counts,
    votersCount: votersOf(counts),
    userHasVoted: vote ? vote.optionId : null,
    userHasLiked: like !== null,
  };
}

function voteFields(vote) {
  const { _id, ...fields } = vote;
  return { id: _id, ...fields };
}

app.post("/api/poll/create-poll", async (request, reply) => {
  const poll = {
    _id: new ObjectId(),
    question: request.body.question,
    userId: request.user,
    createdAt: new Date(),
    options: request.body.options.map(({ text }) => ({ id: new ObjectId(), text })),
    status: "open",
  };
  await polls.insertOne(poll);
  return reply.code(201).send(pollFields(poll));
});

app.post("/api/poll/vote-on-poll/:pollId/:optionId", async (request, reply) => {
  const { pollId, optionId } = request.params;
  const poll = await polls.findOne({ _id: new ObjectId(pollId) });
  if (!poll || !poll.options.some((option) => option.id.equals(optionId))) {
    return reply.code(404).send({ detail: "no such poll or option" });
  }
  const present = await votes.findOne({ userId: request.user, pollId: poll._id });
  if (present) {
    const same = present.optionId.equals(optionId);
    return reply.code(same ? 200 : 409).send(same ? voteFields(present) : { detail: "already voted" });
  }
  const vote = {
    _id: new ObjectId(),
    userId: request.user,
    pollId: poll._id,
    optionId: new ObjectId(optionId),
    createdAt: new Date(),
  };
  try {
    await votes.insertOne(vote);
  } catch (error) {
    if (error.code !== 11000) throw error;
    return reply.code(409).send({ detail: "already voted" });
  }
  const count = await cache.incr(`poll:${pollId}:option:${optionId}`);
  const update = { event: "vote-update", pollId, optionId, count };
  await cache.publish("poll-updates", JSON.stringify(update));
  if (emits) await emit(poll);
  return reply.code(201).send(voteFields(vote));
});

async function emit(poll) {
  const counts = await countsOf(poll);
  const pollId = poll._id.toHexString();
  const update = { pollId, counts, votersCount: votersOf(counts), at: Date.now() };
  io.to(pollId).emit("vote-update", update);
}

app.get("/api/poll/get-poll-by-id/:pollId", async (request, reply) => {
  const poll = await polls.findOne({ _id: new ObjectId(request.params.pollId) });
  if (!poll) return reply.code(404).send({ detail: "no such poll" });
  return view(poll, request.user);
});

app.get("/api/poll/get-all-polls", async (request) => {
  const limit = Number(request.query.limit ?? 50);
  const page = await polls.find().sort({ createdAt: -1, _id: -1 }).limit(limit).toArray();
  const views = [];
  for (const poll of page) views.push(await view(poll, request.user));
  return views;
});

if (emits) {
  io.use((socket, next) => {
    try {
      userOf(socket.handshake.auth.token);
      next();
    } catch {
      next(new Error("invalid token"));
    }
  });
  io.on("connection", (socket) => {
    socket.on("subscribe", async ({ pollIds }, ack) => {
      const snapshots = [];
      for (const pollId of pollIds) {
        socket.join(pollId);
        const poll = await polls.findOne({ _id: new ObjectId(pollId) });
        snapshots.push({ pollId, counts: await countsOf(poll) });
      }
      ack({ polls: snapshots });
    });
  });
}

await mongo.connect();
await votes.createIndex({ userId: 1, pollId: 1 }, { unique: true });
await likes.createIndex({ userId: 1, pollId: 1 }, { unique: true });
await votes.createIndex({ pollId: 1, optionId: 1 });
await polls.createIndex({ createdAt: -1, _id: -1 });
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
