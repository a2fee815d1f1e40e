/**
 * Whether this machine can hold so many clients at all.
 *
 * @module
 */

import { cat } from "../process/usage.ts";
import { digits } from "../report/markdown.ts";

/** Beside the clients: the backend's connections, files of the runtime, and an uneven spread. */
const SPARE = 1000;
/** Gateway, generator and the kernel's two sockets of a client, with room. */
const CLIENT_KIB = 60;
const BASE_KIB = 1024 ** 2;

/**
 * Looks at open files, memory and connection tracking.
 *
 * @param gateways So many gateways, and as many generators, share the clients.
 * @returns One line that says what is missing; null when nothing is.
 */
export async function whatIsMissing(clients: number, gateways: number): Promise<string | null> {
  const text = await cat(["/proc/self/limits", "/proc/meminfo"]);
  const files = Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Infinity);
  const share = Math.ceil(clients / gateways);
  if (share + SPARE > files) {
    return `open files: a process would have ${share} clients and may have ${files} files; ` +
      "more --gateways, or a higher `ulimit -n`";
  }
  const netfilter = "/proc/sys/net/netfilter/nf_conntrack";
  const tracked = await cat([`${netfilter}_max`, `${netfilter}_count`]);
  const [most, now = 0] = tracked.match(/\d+/g)?.map(Number) ?? [];
  if (most !== undefined && now + clients + SPARE > most) {
    return `connection tracking: net.netfilter.nf_conntrack_max is ${most}, ${now} are taken`;
  }
  const availableKib = Number(/^MemAvailable: +(\d+) kB/m.exec(text)?.[1] ?? Infinity);
  const neededKib = BASE_KIB + clients * CLIENT_KIB;
  if (availableKib >= neededKib) return null;
  return `memory: ${digits(availableKib / 1024)} MiB are available, ` +
    `about ${digits(neededKib / 1024)} are needed`;
}
