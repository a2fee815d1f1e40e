/**
 * Which clients are asked for, as the page's controls have it and as the API takes it.
 *
 * @module
 */

/**
 * @typedef {object} Controls Empty texts are nothing.
 * @property {string} protocol
 * @property {string} address
 * @property {string} instance
 * @property {string} silent A duration, such as 10m.
 * @property {boolean} errors
 */

const NAMES = /** @type {const} */ (["protocol", "address", "instance", "silent"]);

/**
 * The filter as the API takes it.
 *
 * @param {Controls} controls
 */
export function filterText(controls) {
  const parts = NAMES.filter((name) => controls[name].trim() !== "")
    .map((name) => `${name}:${encodeURIComponent(controls[name].trim())}`);
  return [...parts, ...(controls.errors ? ["errors"] : [])].join(",");
}

/**
 * What a filter says of the controls. Of one that is not valid, for it came by a hand, what can be read.
 *
 * @param {string} text
 * @returns {Controls}
 */
export function controlsOf(text) {
  /** @type {Controls} */
  const controls = { protocol: "", address: "", instance: "", silent: "", errors: false };
  for (const part of text.split(",")) {
    if (part === "errors") controls.errors = true;
    const [, name, value = ""] = /^([a-z]+):(.*)$/.exec(part) ?? [];
    const known = NAMES.find((each) => each === name);
    if (known !== undefined) controls[known] = decoded(value);
  }
  return controls;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What is found in one step.
 *
 * @type {Readonly<Record<string, { sort: string, filter: string }>>}
 */
export const FINDS = {
  all: { sort: "", filter: "" },
  flood: { sort: "-messages", filter: "" },
  silent: { sort: "activity", filter: "silent:10m" },
  ends: { sort: "-ends", filter: "" },
  errors: { sort: "-errors", filter: "errors" },
};

/**
 * The order after a press on a column's head: the greatest first, but for names; a second press turns it.
 *
 * @param {string} column
 * @param {string} sort The order now; empty for that by id.
 * @returns {string} Empty for the order by id.
 */
export function sortAfter(column, sort) {
  const first = column === "id" ? "id" : `-${column}`;
  if (column === "ends") return first;
  const other = column === "id" ? "-id" : column;
  const next = (sort === "" ? "id" : sort) === first ? other : first;
  return next === "id" ? "" : next;
}
