/**
 * Light, dark, or as the system has it.
 *
 * @module
 */

/** In the browser's storage; nothing else is kept there. */
const KEY = "ws2api-theme";

/**
 * Shows the page as it was chosen last, and keeps what is chosen.
 *
 * @param {HTMLSelectElement} choice Its values are `light`, `dark` and, for automatic, nothing.
 * @param {() => void} onChange Called when colours may be others.
 */
export function followTheme(choice, onChange) {
  const apply = () => {
    if (choice.value === "") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice.value;
  };
  const kept = remembered();
  if (kept === "light" || kept === "dark") choice.value = kept;
  apply();
  choice.addEventListener("change", () => {
    apply();
    remember(choice.value);
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden: then each page begins as the system has it.
    return null;
  }
}

/** @param {string} theme */
function remember(theme) {
  try {
    if (theme === "") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // The same.
  }
}
