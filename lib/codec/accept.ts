/**
 * The Accept header (RFC 9110 §12.5.1).
 *
 * @module
 */

/**
 * Whether a page is wanted rather than plain text. Browsers name `text/html`; other programs name
 * nothing or everything.
 *
 * @param accept The header's value, null without one.
 *
 * @example
 * ```ts
 * import { prefersHtml } from "./accept.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(prefersHtml("text/html,application/xml;q=0.9,*\/*;q=0.8"), true);
 * strictEqual(prefersHtml("*\/*"), false);
 * ```
 */
export function prefersHtml(accept: string | null): boolean {
  const html = weightOf("text/html", accept);
  return html > 0 && html >= weightOf("text/plain", accept);
}

/** 0 when it is not named. */
function weightOf(type: string, accept: string | null): number {
  for (const range of accept?.toLowerCase().split(",") ?? []) {
    const [name, ...parameters] = range.split(";").map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    return value >= 0 && value <= 1 ? value : 0;
  }
  return 0;
}
