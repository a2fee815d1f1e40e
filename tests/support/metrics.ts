import { strictEqual } from "node:assert/strict";

/** Every series of `/metrics` with its value: `name{label="value"}`. */
export async function scrape(
  gateway: { api(path: string): Promise<{ status: number; text: string }> },
): Promise<Map<string, number>> {
  const { status, text } = await gateway.api("/metrics");
  strictEqual(status, 200);
  return seriesOf(text);
}

/** The series in a text that Prometheus reads. */
function seriesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

/** Series that stand at something else than 0 and whose name begins so. */
export function counted(series: Map<string, number>, prefix: string): Record<string, number> {
  return Object.fromEntries(
    [...series].filter(([name, value]) => name.startsWith(prefix) && value !== 0),
  );
}
