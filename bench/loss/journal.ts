/**
 * What all programs said and what was done to them, for whoever has to find out why a rule was broken.
 *
 * @module
 */

const MAX_LINES = 200_000;

/** The time of all that a run notes, milliseconds since 1970. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** `12:34:56.789`, as it stands in the logs of programs too. */
export function timeOf(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** Lines in the order of their coming; the oldest are dropped. */
export class Journal {
  #lines: string[] = [];

  note(who: string, line: string): void {
    this.#lines.push(`${timeOf(now())} ${who}: ${line}`);
    if (this.#lines.length > MAX_LINES) this.#lines = this.#lines.slice(MAX_LINES / 2);
  }

  /** Notes all lines of a program's output; resolves with their end, and never rejects. */
  async keep(who: string, lines: AsyncIterable<string>): Promise<void> {
    try {
      for await (const line of lines) this.note(who, line);
    } catch {
      // It was killed.
    }
  }

  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}
