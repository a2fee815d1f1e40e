/**
 * Messages for the benches, as charging stations and their backends write them.
 *
 * @module
 */

/** The sizes of payloads that are measured, by the name they have in a bench's name. */
export const SIZES: readonly (readonly [name: string, bytes: number])[] = [
  ["50 B", 50],
  ["500 B", 500],
  ["5 KB", 5000],
  ["50 KB", 50_000],
];

/**
 * Many texts of one kind, to be taken in turn.
 *
 * No two are alike and each is a flat string of its own, as one that was read from a socket: a
 * text that comes again and again has its hash and its parts in V8's tables already, and one that
 * was put together is a tree until somebody looks at it.
 *
 * @param bytes How long about a text is: they are at most 1024 and at most some megabytes.
 * @param write Writes the text of a number.
 */
export function manyTexts(bytes: number, write: (i: number) => string): readonly string[] {
  const count = bytes > 10_000 ? 64 : 1024;
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return Array.from({ length: count }, (_, i) => decoder.decode(encoder.encode(write(i))));
}

/** One text after the other, round and round. */
export function inTurn(texts: readonly string[]): () => string {
  let next = 0;
  return () => {
    const text = texts[next]!;
    next = next + 1 === texts.length ? 0 : next + 1;
    return text;
  };
}

/** A MessageId as most stations make them. */
export function messageIdOf(): string {
  return crypto.randomUUID();
}

/**
 * A payload: the smallest like a StatusNotification's, the larger ones like a MeterValues'.
 *
 * @param bytes Its exact length, 50 or more; ASCII, so bytes and characters are the same.
 * @param i Whose number it is: texts of different numbers differ.
 */
export function payloadOf(bytes: number, i: number): string {
  const head = bytes < 400
    ? `{"connectorId":${i % 9},"status":"Charging"`
    : `{"connectorId":${i % 9},"transactionId":${100_000 + i},"meterValue":[`;
  const tail = bytes < 400 ? ',"info":""}' : '],"note":""}';
  const values: string[] = [];
  let left = bytes - head.length - tail.length;
  while (bytes >= 400) {
    const value = meterValueOf(i + values.length * 7919);
    const length = value.length + (values.length === 0 ? 0 : 1);
    if (length > left) break;
    values.push(value);
    left -= length;
  }
  // What is left over is filled up in a last string.
  return head + values.join(",") + tail.replace('""', `"${"x".repeat(left)}"`);
}

function meterValueOf(seed: number): string {
  const timestamp = new Date(1_767_225_600_000 + seed * 1009).toISOString();
  const value = (seed % 90_000 / 10).toFixed(2);
  const what = seed % 2 === 0
    ? '"measurand":"Energy.Active.Import.Register","unit":"Wh"'
    : '"measurand":"Voltage","phase":"L1","unit":"V"';
  return `{"timestamp":"${timestamp}","sampledValue":[{"value":"${value}",${what}}]}`;
}
