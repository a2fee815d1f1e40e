/**
 * Lines between the processes and to the terminal.
 *
 * @module
 */

const encoder = new TextEncoder();

function write(file: typeof Deno.stdout, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
}

/** Writes all of a text to standard output. */
export function writeOut(text: string): void {
  write(Deno.stdout, text);
}

/** Writes all of a text to standard error. */
export function writeErr(text: string): void {
  write(Deno.stderr, text);
}

/**
 * Cuts a stream into lines, without their line feeds; an unfinished last one is dropped.
 *
 * Leaving the loop cancels the stream.
 */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
