/**
 * Whether anything is traced.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Tracing } from "./tracing.ts";

/** Where all copies of `@opentelemetry/api` look for who makes spans. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/**
 * Tracing if the runtime does it, which `OTEL_DENO=true` tells it; otherwise nothing is loaded.
 *
 * Whether it does is seen by what it registers, before any code runs, for programs to find: so the
 * variable need not be readable.
 */
export async function loadTracing(clock: Clock): Promise<Tracing | undefined> {
  const registry: unknown = Reflect.get(globalThis, REGISTRY);
  if (typeof registry !== "object" || registry === null || !("trace" in registry)) return undefined;
  const { createTracing } = await import("./opentelemetry.ts");
  return createTracing(clock);
}
