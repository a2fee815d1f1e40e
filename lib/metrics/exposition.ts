/**
 * `/metrics`: all that is counted, as Prometheus reads it.
 *
 * @module
 */

import type { FamilySamples } from "./metrics.ts";

/** What of a process is told beside its metrics. */
export interface ProcessFacts {
  readonly version: string;
  /** The runtime's. */
  readonly deno: string;
  /** Seconds since 1970. */
  readonly startedAtSeconds: number;
  /** The process's name among others; undefined without others, and then nothing of NATS is told. */
  readonly instance?: string | undefined;
  readonly workers: number;
  readonly maxConnections: number;
  readonly maxWaiting: number;
  /** Of all workers together. */
  readonly maxBackendConnections: number;
  readonly maxReports: number;
  readonly maxMemoryBytes: number;
  /** When the certificate ends that TLS shows, in milliseconds since 1970; undefined without one. */
  readonly certificateEndsAt: () => number | undefined;
}

/** What of a process changes. */
export interface ProcessUsage {
  /** CPU time in microseconds. */
  readonly cpu: { readonly user: number; readonly system: number };
  readonly memory: {
    readonly rss: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly external: number;
  };
}

/** A text and its media type. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Writes the metrics in Prometheus's text format.
 *
 * The names of the process's own are those of prom-client; its collectors are not used: they read
 * `/proc`, which the gateway has no permission for, and know nothing of other threads.
 *
 * @param families The gateway's own.
 * @param at Milliseconds since 1970.
 */
export async function expose(
  families: readonly FamilySamples[],
  facts: ProcessFacts,
  usage: ProcessUsage,
  at: number,
): Promise<Exposition> {
  // Loaded at the first scrape: who does not scrape does not pay for it.
  const { AggregatorRegistry } = await import("prom-client");
  const known = families.filter(({ name }) =>
    facts.instance !== undefined || !name.startsWith("ws2api_nats_")
  );
  const metrics = [
    ...known,
    ...processFamilies(facts, usage),
    ...certificateFamilies(facts, at),
  ].map(
    ({ name, help, type, samples }) => ({
      name,
      help,
      type,
      aggregator: "first",
      values: samples.map(({ name: metricName, labels, value }) => ({ metricName, labels, value })),
    }),
  );
  const registry = AggregatorRegistry.aggregate([metrics]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function processFamilies(facts: ProcessFacts, { cpu, memory }: ProcessUsage): FamilySamples[] {
  const { version, deno, instance } = facts;
  return [
    family("gauge", "ws2api_build_info", "The program's version and the runtime's.", 1, {
      version,
      deno,
      // Prometheus has an `instance` of its own.
      ...(instance && { instance_id: instance }),
    }),
    family("gauge", "ws2api_workers", "Threads that serve clients.", facts.workers),
    family("gauge", "ws2api_max_connections", "The bound on clients.", facts.maxConnections),
    family("gauge", "ws2api_max_waiting", "The bound on messages that wait.", facts.maxWaiting),
    family("gauge", "ws2api_max_reports", "The bound on places in the outbox.", facts.maxReports),
    family(
      "gauge",
      "ws2api_max_backend_connections",
      "The bound on requests to the backend under way, over all workers.",
      facts.maxBackendConnections,
    ),
    family(
      "gauge",
      "ws2api_max_memory_bytes",
      "The bound on resident memory.",
      facts.maxMemoryBytes,
    ),
    family(
      "counter",
      "process_cpu_user_seconds_total",
      "CPU time spent in user mode.",
      cpu.user / 1e6,
    ),
    family(
      "counter",
      "process_cpu_system_seconds_total",
      "CPU time spent in the kernel.",
      cpu.system / 1e6,
    ),
    family(
      "counter",
      "process_cpu_seconds_total",
      "CPU time spent.",
      (cpu.user + cpu.system) / 1e6,
    ),
    family(
      "gauge",
      "process_start_time_seconds",
      "When the process began, in seconds since 1970.",
      facts.startedAtSeconds,
    ),
    family("gauge", "process_resident_memory_bytes", "Resident memory.", memory.rss),
    family(
      "gauge",
      "nodejs_heap_size_total_bytes",
      "The JavaScript heap of the thread that was asked.",
      memory.heapTotal,
    ),
    family(
      "gauge",
      "nodejs_heap_size_used_bytes",
      "What of that heap is used.",
      memory.heapUsed,
    ),
    family(
      "gauge",
      "nodejs_external_memory_bytes",
      "Memory outside of that heap which its objects hold.",
      memory.external,
    ),
  ];
}

/** None without TLS: there is nothing that could end. */
function certificateFamilies({ certificateEndsAt }: ProcessFacts, at: number): FamilySamples[] {
  const endsAt = certificateEndsAt();
  if (endsAt === undefined) return [];
  const help = "Until the certificate ends that TLS shows, in seconds; negative when it has.";
  return [family("gauge", "ws2api_certificate_expiry_seconds", help, (endsAt - at) / 1000)];
}

function family(
  type: "counter" | "gauge",
  name: string,
  help: string,
  value: number,
  labels: Record<string, string> = {},
): FamilySamples {
  return { name, help, type, samples: [{ name, labels, value }] };
}
