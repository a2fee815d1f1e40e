/**
 * Texts that are copied at a press.
 *
 * @module
 */

import { el, setText } from "./dom.js";

const SAID_MS = 1500;

/**
 * @param {string} text
 * @returns {Promise<boolean>} Whether it is in the clipboard.
 */
export async function copyText(text) {
  try {
    // A page has it over TLS or from localhost only.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/**
 * The older way, which every page has.
 *
 * @param {string} text
 */
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return isCopied;
}

/**
 * A button that copies a text, and says so for a moment.
 *
 * @param {string} name What it copies, for those who do not see it.
 * @param {() => string} textOf
 */
export function copyButton(name, textOf) {
  const button = el("button", { type: "button", class: "copy quiet", "aria-label": name }, "Copy");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {string} text @param {string} [label] */
  function say(text, label = text) {
    setText(button, text);
    button.setAttribute("aria-label", label);
  }
  button.addEventListener("click", async () => {
    say(await copyText(textOf()) ? "Copied" : "Cannot be copied");
    clearTimeout(timer);
    timer = setTimeout(() => say("Copy", name), SAID_MS);
  });
  return button;
}
