// The browser's checker over worlds from standard input, a line of JSON each:
// { files, poll_id, keys, kept, now }, bytes in base64. Answers a line of findings and notes each.
// `node verify.mjs FOLDER [without]`: FOLDER is where the scripts are; `without` takes away what a
// browser may lack: `ed25519`, or `webcrypto` altogether.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, without] = process.argv.slice(2);
if (without === "webcrypto") {
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
} else if (without === "ed25519") {
  const { subtle } = crypto;
  const importKey = subtle.importKey.bind(subtle);
  subtle.importKey = async (...how) => {
    if (how[2] === "Ed25519") throw new DOMException("Unrecognized name.", "NotSupportedError");
    return importKey(...how);
  };
}

const script = (name) => import(pathToFileURL(`${folder}/${name}.js`));
const { check } = await script("check");
const { CannotCheck, NotServed } = await script("findings");

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

async function answer({ files, poll_id: pollId, keys, kept, now }) {
  const fetch = async (path) => {
    if (!(path in files)) throw new NotServed(`${path} is not there`);
    return bytes(files[path]);
  };
  const held = {
    checkpoints: kept.checkpoints.map(bytes),
    receipts: kept.receipts.map(bytes),
    promises: kept.promises.map(bytes),
    shown: kept.shown,
  };
  try {
    const { findings, notes } = await check({ fetch, pollId, keys, kept: held, now });
    return { findings, notes };
  } catch (error) {
    if (!(error instanceof CannotCheck)) throw error;
    return { cannot: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
