/**
 * Which forwarder `--forwarder auto` means.
 *
 * @module
 */

/**
 * Only `fetch` goes through a proxy; the names are those that it heeds. TLS stays with it too: the
 * runtime cannot close a TLS connection whose other end is silent (see `dial`).
 */
export const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"];

/** What `auto` is. */
export function forwarderOf(
  kind: "auto" | "fetch" | "tcp",
  backend: string,
  hasProxy: boolean,
): "fetch" | "tcp" {
  if (kind !== "auto") return kind;
  return hasProxy || backend.startsWith("https:") ? "fetch" : "tcp";
}
