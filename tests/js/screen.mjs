// A screen in JavaScript, for the journeys: `node screen.mjs PACKAGE URL OPTIONS`.
// Prints a line of JSON for everything that happens; each line of its input is a request,
// [event, payload], whose answer is printed too. It ends with its input.

import { createInterface } from "node:readline";

const [name, url, options] = process.argv.slice(2);
const { io } = await import(name);
const socket = io(url, { path: "/ws/updates", reconnectionDelay: 50, ...JSON.parse(options) });

const say = (what, more) => process.stdout.write(`${JSON.stringify([what, more])}\n`);

socket.on("connect", () => say("connect", socket.io.engine.transport.name));
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.on("connect_error", (error) => say("connect_error", { message: error.message, data: error.data }));
socket.onAny((event, payload) => say(event, payload));
socket.io.on("open", () => socket.io.engine.on("upgrade", (to) => say("upgrade", to.name)));

createInterface({ input: process.stdin })
  .on("line", (line) => socket.emit(...JSON.parse(line), (answer) => say("answer", answer)))
  .on("close", () => socket.disconnect());
