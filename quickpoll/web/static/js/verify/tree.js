// Merkle trees (RFC 6962 section 2.1): roots, and where a path leads.

import { leafHash, nodeHash, sha256 } from "./digest.js";

/** The root above leaf hashes. A last one without a neighbour goes up as it is. */
export async function rootOf(leaves) {
  let level = leaves;
  while (level.length > 1) {
    const pairs = Array.from({ length: level.length >> 1 }, (_, at) => nodeHash(level[2 * at], level[2 * at + 1]));
    const above = await Promise.all(pairs);
    level = level.length % 2 ? [...above, level.at(-1)] : above;
  }
  return level[0] ?? sha256(new Uint8Array());
}

/** The root that a path leads to (RFC 9162 section 2.1.3.2); null where no path looks like it. */
export async function rootByPath(leaf, index, size, path) {
  if (index < 0 || index >= size) return null;
  let [place, last, found] = [BigInt(index), BigInt(size) - 1n, leaf];
  for (const sibling of path) {
    if (last === 0n) return null;
    if (place & 1n || place === last) {
      found = await nodeHash(sibling, found);
      while (!(place & 1n) && place) [place, last] = [place >> 1n, last >> 1n];
    } else {
      found = await nodeHash(found, sibling);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n ? found : null;
}

export const leafHashes = (entries) => Promise.all(entries.map(leafHash));
