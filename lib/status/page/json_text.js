/**
 * A JSON text as it stands: where its parts are, what is wrong with it, and how it is read more easily.
 *
 * Nothing is parsed into values: `1.0` stays `1.0`, and large numbers keep all their digits.
 *
 * @module
 */

/** Deeper than any payload; a text that is deeper is not looked into. */
const MAX_DEPTH = 200;
const SPACE = /[ \t\r\n]*/y;
// deno-lint-ignore no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Where values stand in a text.
 *
 * @typedef {object} Places
 * @property {Map<string, [from: number, to: number]>} places By JSON pointer (RFC 6901). Of duplicate
 *   names the last one counts, as it does for `JSON.parse`.
 * @property {{ at: number, detail: string } | null} fault What is wrong first; null for valid JSON.
 */

/**
 * Reads a text. Never throws.
 *
 * @param {string} text
 * @returns {Places}
 */
export function readPlaces(text) {
  /** @type {Places["places"]} */
  const places = new Map();
  let at = 0;

  /** @param {RegExp} pattern Sticky. */
  function take(pattern) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  /** @param {string} detail */
  function fail(detail) {
    return { at, detail };
  }

  /**
   * @param {string} pointer
   * @param {number} depth
   * @returns {Places["fault"]}
   */
  function value(pointer, depth) {
    take(SPACE);
    const from = at;
    if (depth > MAX_DEPTH) return fail("is too deep");
    const first = text[at];
    let fault = null;
    if (first === "{" || first === "[") fault = inner(pointer, depth, first);
    else if (first === '"') fault = take(STRING) === undefined ? badString() : null;
    else if ((take(NUMBER) ?? take(WORD)) === undefined) fault = fail("a value is missing here");
    if (fault === null) places.set(pointer, [from, at]);
    return fault;
  }

  function badString() {
    return fail("this string does not end, or holds what must be escaped");
  }

  /**
   * @param {string} pointer
   * @param {number} depth
   * @param {"{" | "["} open
   */
  function inner(pointer, depth, open) {
    const close = open === "{" ? "}" : "]";
    at++;
    take(SPACE);
    if (text[at] === close) {
      at++;
      return null;
    }
    for (let i = 0;; i++) {
      let name = String(i);
      if (open === "{") {
        take(SPACE);
        if (text[at] !== '"') return fail("a name in double quotes is missing here");
        const quoted = take(STRING);
        if (quoted === undefined) return badString();
        name = JSON.parse(quoted).replaceAll("~", "~0").replaceAll("/", "~1");
        take(SPACE);
        if (text[at] !== ":") return fail("a colon is missing here");
        at++;
      }
      const fault = value(`${pointer}/${name}`, depth + 1);
      if (fault !== null) return fault;
      take(SPACE);
      if (text[at] === close) {
        at++;
        return null;
      }
      if (text[at] !== ",") return fail(`a comma or ${close} is missing here`);
      at++;
    }
  }

  let fault = value("", 0);
  take(SPACE);
  if (fault === null && at < text.length) fault = fail("nothing more may stand here");
  return { places, fault };
}

/**
 * The part of a text that a pointer means, or, where there is none, the part in which it is missing.
 *
 * @param {Places["places"]} places
 * @param {string} pointer
 * @returns {[from: number, to: number]}
 */
export function placeOf(places, pointer) {
  for (let way = pointer;; way = way.slice(0, way.lastIndexOf("/"))) {
    const place = places.get(way);
    if (place !== undefined || way === "") return place ?? [0, 0];
  }
}

/**
 * A place as people count it.
 *
 * @param {string} text
 * @param {number} at
 */
export function lineAndColumn(text, at) {
  const before = text.slice(0, at).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/**
 * JSON with a line for each value, indented by two spaces. What is no JSON, or was cut, comes out as
 * far as it goes.
 *
 * @param {string} text
 */
export function indented(text) {
  const parts = text.match(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
  let depth = 0;
  let out = "";
  const line = () => `\n${"  ".repeat(Math.min(depth, MAX_DEPTH))}`;
  parts.forEach((part, i) => {
    const before = parts[i - 1];
    if (part === "}" || part === "]") {
      depth = Math.max(0, depth - 1);
      if (before !== "{" && before !== "[") out += line();
    } else if (before === "{" || before === "[" || before === ",") out += line();
    out += part === ":" ? ": " : part;
    if (part === "{" || part === "[") depth++;
  });
  return out;
}
