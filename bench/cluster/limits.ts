/**
 * Whether this machine can hold a run at all.
 *
 * @module
 */

import { cat } from "./proc.ts";

/** What a run takes. */
export interface Need {
  readonly clients: number;
  readonly gateways: number;
  readonly generators: number;
  /** Loopback addresses of each generator. */
  readonly addresses: number;
}

/** Beside the clients: the backend's connections, files of the runtime, and an uneven spread. */
const SPARE_FILES = 1000;
const SPARE_PORTS = 1000;
/** Gateway, generator and the kernel's two sockets of a client, with room. */
const CLIENT_KIB = 60;
const BASE_KIB = 1024 ** 2;

/** @returns One line that says what is missing; null when nothing is. */
export async function whatIsMissing(need: Need): Promise<string | null> {
  const { clients, gateways, generators, addresses } = need;
  const text = await cat(["/proc/self/limits", "/proc/meminfo"]);
  const files = Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Infinity);
  const share = Math.ceil(clients / Math.min(gateways, generators));
  if (share + SPARE_FILES > files) {
    return `open files: a process would have ${share} clients and may have ${files} files; ` +
      "more --gateways, or a higher `ulimit -n`";
  }
  const [from = 0, to = 65_535] =
    (await cat(["/proc/sys/net/ipv4/ip_local_port_range"])).match(/\d+/g)?.map(Number) ?? [];
  const onOneAddress = Math.ceil(clients / generators / addresses);
  if (onOneAddress + SPARE_PORTS > to - from) {
    return `ports: ${onOneAddress} clients on one address, and net.ipv4.ip_local_port_range has ` +
      `${to - from}`;
  }
  const tracked = await cat([
    "/proc/sys/net/netfilter/nf_conntrack_max",
    "/proc/sys/net/netfilter/nf_conntrack_count",
  ]);
  const [most, now = 0] = tracked.match(/\d+/g)?.map(Number) ?? [];
  if (most !== undefined && now + clients + SPARE_PORTS > most) {
    return `connection tracking: net.netfilter.nf_conntrack_max is ${most}, ${now} are taken`;
  }
  const availableKib = Number(/^MemAvailable: +(\d+) kB/m.exec(text)?.[1] ?? Infinity);
  const neededKib = BASE_KIB + clients * CLIENT_KIB;
  if (availableKib < neededKib) {
    return `memory: ${mib(availableKib)} MiB are available, about ${mib(neededKib)} are needed`;
  }
  return null;
}

function mib(kib: number): string {
  return Math.round(kib / 1024).toLocaleString("en");
}
