import { deepStrictEqual, ok } from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = ["lib/", "tests/", "bench/", "examples/", "docs/"];

/** Every TypeScript file of a folder and of those in it. */
function filesIn(folder: URL): URL[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return name === "node_modules" ? [] : filesIn(new URL(`${name}/`, folder));
    return name.endsWith(".ts") ? [new URL(name, folder)] : [];
  });
}

/** Where the path of a URL that leads from this module is taken: it has `%20` for a blank. */
function pathsOfUrls(code: string): string[] {
  const names = [...code.matchAll(/\bconst (\w+) = new URL\([^()]*\bimport\.meta\.url\)/g)]
    .map(([, name]) => name);
  const base = ["import\\.meta\\.url", ...names].join("|");
  const url = [`new URL\\([^()]*\\b(?:${base})\\)`, ...names.map((name) => `\\b${name}`)].join("|");
  return code.match(new RegExp(`(?:${url})\\s*\\.pathname`, "g")) ?? [];
}

Deno.test("a file's path is never the pathname of its URL, which escapes blanks and umlauts", () => {
  const files = [
    new URL("main.ts", ROOT),
    ...FOLDERS.flatMap((name) => filesIn(new URL(name, ROOT))),
  ];
  ok(files.length > 200, `only ${files.length} files`);
  const found = files.flatMap((file) =>
    pathsOfUrls(Deno.readTextFileSync(file)).map((part) =>
      `${file.href.slice(ROOT.href.length)}: ${part}`
    )
  );
  deepStrictEqual(found, [], "use fileURLToPath");
});

Deno.test("the pathname of a request is no file's, that of a URL made from a module's own is", () => {
  deepStrictEqual(pathsOfUrls("new URL(request.url).pathname; const { pathname } = url;"), []);
  // In parts, so that this file is none of those that it looks for.
  const path = ["path", "name"].join("");
  deepStrictEqual(
    pathsOfUrls(`const A = new URL("../../", import.meta.url); new URL("x", A).${path}; A.${path}`),
    [`new URL("x", A).${path}`, `A.${path}`],
  );
});
