/**
 * A response on its way out.
 *
 * @module
 */

import type { ServerResponse } from "node:http";

/** Told of a peer that has to take what was written, before more is. */
export interface Taking {
  /** It has not yet. */
  waits(): void;
  /** It has taken that. */
  goesOn(): void;
}

/**
 * Hands a response to the runtime. A stream of events goes as fast as its reader takes it, and is
 * cancelled when that has gone; anything else is read whole first.
 *
 * @returns When all of it was handed over. Never rejects.
 */
export async function sendResponse(
  response: Response,
  out: ServerResponse,
  taking: Taking,
): Promise<void> {
  try {
    out.statusCode = response.status;
    for (const [name, value] of response.headers) out.setHeader(name, value);
    if (isStream(response)) return await pour(response.body!, out, taking);
    const body = new Uint8Array(await response.arrayBuffer());
    if (response.status !== 204) out.setHeader("content-length", body.length);
    taking.waits();
    out.end(body);
  } catch {
    // The reader has gone, or the stream has failed: what was begun cannot be finished.
    out.destroy();
  }
}

/** Whether a response goes on until its reader leaves. */
function isStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

async function pour(
  body: ReadableStream<Uint8Array>,
  out: ServerResponse,
  taking: Taking,
): Promise<void> {
  const reader = body.getReader();
  let isGone = out.destroyed;
  let goOn = (): void => {};
  out.on("drain", () => goOn());
  out.on("close", () => {
    isGone = true;
    goOn();
    void reader.cancel().catch(() => {});
  });
  // Its reader sends nothing more: it has closed.
  out.socket?.once("end", () => out.destroy());
  if (out.socket?.readableEnded === true) out.destroy();
  out.flushHeaders();
  while (!isGone) {
    const { done, value } = await reader.read();
    if (done) break;
    if (out.write(value)) continue;
    taking.waits();
    await new Promise<void>((resolve) => {
      goOn = resolve;
      if (isGone) resolve();
    });
    taking.goesOn();
  }
  taking.waits();
  out.end();
}
