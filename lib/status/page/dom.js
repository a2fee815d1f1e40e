/**
 * Elements and texts. What comes from outside becomes text nodes, never markup.
 *
 * @module
 */

/**
 * Makes an element.
 *
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children Strings become text.
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * The element with this id, which is of this kind.
 *
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} [kind]
 * @returns {E}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`no element ${id}`);
  return /** @type {E} */ (element);
}

/**
 * Changes a text only when it is another one: what is unchanged is not drawn nor read out again.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * What is not seen, or changes the order in which other characters are seen: controls, format and bidi
 * characters, spaces of other kinds and at the ends, halves of surrogate pairs.
 */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|^ | $/gu;

/**
 * A text from a client or a backend, with escapes such as `\u{200b}` for what would not be seen, so
 * that two texts that look alike are alike. Goes into text nodes only.
 *
 * @param {string} text
 */
export function shown(text) {
  return text.replace(UNSEEN, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/**
 * Such a text in an element of its own: its direction does not reach the text around it.
 *
 * @param {string} text
 */
export function foreign(text) {
  return el("bdi", {}, shown(text));
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** @param {number} value */
export function numberText(value) {
  return Math.abs(value) < 10 ? fine.format(value) : whole.format(value);
}

/** @param {number} value */
export function compactText(value) {
  return compact.format(value);
}

/** @param {number} bytes */
export function bytesText(bytes) {
  const mib = bytes / 1024 ** 2;
  return mib < 1024 ? `${whole.format(mib)} MiB` : `${fine.format(mib / 1024)} GiB`;
}

/** @param {number | null} ms Null for no value. */
export function durationText(ms) {
  if (ms === null) return "–";
  if (ms < 10) return `${fine.format(ms)} ms`;
  return ms < 10_000 ? `${whole.format(ms)} ms` : `${fine.format(ms / 1000)} s`;
}

/**
 * How long ago, or since when, in the two largest units.
 *
 * @param {number} ms
 */
export function spanText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/**
 * The time of day.
 *
 * @param {number} at Milliseconds since 1970.
 * @param {boolean} [withMs]
 */
export function timeText(at, withMs = false) {
  const date = new Date(at);
  const [h, m, s] = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"));
  const ms = withMs ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
  return `${h}:${m}:${s}${ms}`;
}
