/**
 * Payloads for the benches.
 *
 * @module
 */

/** The sizes that are measured, by the name they have in a bench's name. */
export const SIZES: readonly (readonly [name: string, bytes: number])[] = [
  ["50 B", 50],
  ["500 B", 500],
  ["5 KB", 5000],
  ["50 KB", 50_000],
];

const READING = '{"timestamp":"2026-01-01T00:00:00Z","value":"230.10","unit":"V","phase":"L1"}';

/**
 * A payload like a MeterValues: short strings, many of them.
 *
 * @param bytes Its exact length, 50 or more; ASCII, so bytes and characters are the same.
 */
export function payloadOf(bytes: number): string {
  const frame = '{"note":"","readings":[]}';
  const count = Math.max(0, Math.floor((bytes - frame.length) / (READING.length + 1)));
  const readings = Array<string>(count).fill(READING).join(",");
  const note = "x".repeat(bytes - frame.length - readings.length);
  return `{"note":"${note}","readings":[${readings}]}`;
}
