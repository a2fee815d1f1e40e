/**
 * Places where the gateway listens.
 *
 * @module
 */

import type { ListenAddress } from "./value.ts";

/** Whether only this machine can reach an address. A name other than localhost may be anything. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Whether an address is every interface of the machine. */
export function isEverywhere(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}

/** An address as it is written. */
export function placeText({ host, port }: ListenAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What nobody else listens on at the same address; undefined when that cannot be said. */
export function ownPlace(
  { listen, reusePort }: { readonly listen: ListenAddress; readonly reusePort: boolean },
): string | undefined {
  return listen.port === 0 || reusePort ? undefined : `${listen.host}:${listen.port}`;
}
