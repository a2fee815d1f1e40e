/**
 * The headers of a request, as they came.
 *
 * @module
 */

import type { RequestHeaders } from "../request.ts";

/** RFC 9110 §5.1: a token. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** No end of a line, no null, and nothing that is no byte; the same that `Headers` takes. */
const VALUE = /^[^\0\r\n\u0100-\uffff]*$/;

/**
 * Headers that are only looked up. A `Headers` of them would cost more than all that is then asked of it.
 */
export class RawHeaders implements RequestHeaders {
  /** Names and values in turn. */
  readonly #raw: readonly string[];

  private constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  /** @returns Undefined when a name or a value cannot be. */
  static of(raw: readonly string[]): RawHeaders | undefined {
    for (let at = 0; at + 1 < raw.length; at += 2) {
      if (!NAME.test(raw[at]!) || !VALUE.test(raw[at + 1]!)) return undefined;
    }
    return new RawHeaders(raw);
  }

  /**
   * @param name In lower case.
   * @returns The values of all lines of this name, with a comma and a blank between them; null without
   *   one.
   */
  get(name: string): string | null {
    let found: string | null = null;
    for (let at = 0; at + 1 < this.#raw.length; at += 2) {
      const other = this.#raw[at]!;
      if (other.length !== name.length || other.toLowerCase() !== name) continue;
      const value = trimmed(this.#raw[at + 1]!);
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** @param name In lower case. */
  has(name: string): boolean {
    return this.get(name) !== null;
  }
}

/** Without the blanks and tabs around it, which belong to no value (RFC 9110 §5.5). */
function trimmed(value: string): string {
  let begin = 0;
  let end = value.length;
  while (begin < end && isBlank(value.charCodeAt(begin))) begin++;
  while (end > begin && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(begin, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
