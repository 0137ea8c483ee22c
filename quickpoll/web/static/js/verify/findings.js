// What a check works with and what it finds.

/** The service answers that a file is not there, or is not to be had (404, 403, 410). */
export class NotServed extends Error {}

/** Nothing can be said either way: no network, no log, no key. */
export class CannotCheck extends Error {}

/** A rule is broken. `code` names the rule, for programs; the message is for people. */
export class Wrong extends Error {
  constructor(code, said) {
    super(said);
    this.code = code;
  }
}

export function require(holds, code, said) {
  if (!holds) throw new Wrong(code, said);
}

/** Whatever is malformed becomes a finding of this code. */
export async function formed(code, what, read) {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Wrong) throw error;
    throw new Wrong(code, `${what}: ${error.message}`);
  }
}
