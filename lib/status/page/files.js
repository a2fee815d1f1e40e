/**
 * Texts that leave the page: to the clipboard, or as a file.
 *
 * @module
 */

/**
 * Copies a text.
 *
 * @param {string} text
 * @returns {Promise<boolean>} Whether it could.
 */
export async function copyToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another host there is none.
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

/**
 * Has the browser keep a text as a file.
 *
 * @param {string} name
 * @param {BlobPart} content
 */
export function saveFile(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "application/x-ndjson" }));
  link.download = name;
  link.click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * A part of a file's name: a ClientId may hold anything.
 *
 * @param {string} text
 */
export function fileName(text) {
  return text.replace(/[^\w.-]+/g, "_").slice(0, 60);
}
