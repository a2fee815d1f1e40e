import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readInvocation } from "../../lib/config/config.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = [
  "docs/security-profiles.md",
  "examples/haproxy/README.md",
  "examples/nginx/README.md",
  "examples/php-fpm/README.md",
];

/** The commands of a page, those of several lines in one. */
function commandsOf(text: string): string[] {
  return [...text.matchAll(/(?:^ {4}.*\n)+/gm)]
    .flatMap(([block]) => block.replaceAll(/\\\n */g, "").split("\n"))
    .map((line) => line.trim());
}

for (const page of PAGES) {
  const text = Deno.readTextFileSync(ROOT + page);

  Deno.test(`${page}: the gateway takes the flags that it is started with`, () => {
    const starts = commandsOf(text).filter((command) => command.startsWith("deno task start "));
    ok(starts.length > 0);
    for (const start of starts) {
      const args = start.split(/ +/).slice(3);
      strictEqual(readInvocation(args, () => undefined, "0.0.0-test").kind, "run", start);
    }
  });

  Deno.test(`${page}: the files and folders of this project that it names are there`, () => {
    const named = [...text.matchAll(/(?<![\w/.-])(?:tests|examples|docs|lib)\/[\w./-]*\w/g)]
      .map(([path]) => path);
    const folder = page.slice(0, page.lastIndexOf("/") + 1);
    const linked = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, to]) => folder + to);
    const missing = [...named, ...linked].filter((path) => {
      try {
        return !Deno.statSync(ROOT + path);
      } catch {
        return true;
      }
    });
    deepStrictEqual(missing, []);
    ok(named.some((path) => path.endsWith("_test.ts")), "its test");
  });
}
