/**
 * Texts that leave the page as files.
 *
 * @module
 */

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
