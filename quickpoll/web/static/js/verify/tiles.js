// The files of a tree: tiles of 256 hashes, bundles of 256 entries (https://c2sp.org/tlog-tiles).

import { joined, same } from "./bytes.js";
import { NotServed, require, Wrong } from "./findings.js";
import { leafHashes, rootOf } from "./tree.js";

const width = 256;
const hashBytes = 32;

/** A number as a path: 1234067 is `x001/x234/067`. */
export function inThrees(number) {
  const groups = [String(number % 1000).padStart(3, "0")];
  for (let rest = Math.floor(number / 1000); rest; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return groups.join("/");
}

function* places(level, count) {
  for (let first = 0; first < count; first += width) {
    const holds = Math.min(width, count - first);
    const fullPath = `tile/${level}/${inThrees(first / width)}`;
    yield { first, holds, fullPath, path: holds === width ? fullPath : `${fullPath}.p/${holds}` };
  }
}

/** All entries of a log. */
export async function readEntries(fetch, log, size) {
  const lines = [];
  for (const place of places("entries", size)) {
    const { content, holds } = await part(fetch, log, place);
    const found = unbundled(content, place.path);
    require(found.length === holds, "bundle_form", `${place.path} has ${found.length} entries`);
    lines.push(...found.slice(0, place.holds));
  }
  return lines;
}

function unbundled(content, path) {
  const found = [];
  for (let at = 0; at < content.length; ) {
    const start = at + 2;
    const length = content[at] * 256 + (content[at + 1] ?? NaN);
    require(start + length <= content.length, "bundle_form", `${path}: it ends within an entry`);
    found.push(content.slice(start, start + length));
    at = start + length;
  }
  return found;
}

/** Hold every tile of every level against the hashes of the entries. */
export async function readHashes(fetch, log, leaves) {
  let level = leaves;
  for (let number = 0; level.length; number += 1) {
    for (const place of places(number, level.length)) {
      const { content, holds } = await part(fetch, log, place);
      const exact = content.length === holds * hashBytes;
      require(exact, "tile_length", `${place.path} has ${content.length} bytes`);
      const wanted = joined(...level.slice(place.first, place.first + place.holds));
      const made = same(content.subarray(0, wanted.length), wanted);
      require(made, "tile_hash", `${place.path} is not made of the entries`);
    }
    level = await above(level);
  }
}

function above(level) {
  const tiles = Array.from({ length: Math.floor(level.length / width) }, (_, at) =>
    rootOf(level.slice(at * width, (at + 1) * width)),
  );
  return Promise.all(tiles);
}

/** A tile or bundle, and how many must be in it: a partial one may be full by now. */
async function part(fetch, log, place) {
  const ways = [[place.path, place.holds]];
  if (place.holds < width) ways.push([place.fullPath, width]);
  let why;
  for (const [path, holds] of ways) {
    try {
      return { content: await fetch(`${log}/${path}`), holds };
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      why = error.message;
    }
  }
  throw new Wrong("withheld", `${place.path} is signed, and not served: ${why}`);
}

export { leafHashes };
