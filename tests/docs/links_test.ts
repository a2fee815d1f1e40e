import { ok } from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** Every page of the project. */
async function pages(): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(folder, ROOT))) {
      if (isFile && name.endsWith(".md")) found.push(`${folder}${name}`);
      const isOurs = !name.startsWith(".") && !["node_modules", "dist", "coverage"].includes(name);
      if (isDirectory && isOurs) await look(`${folder}${name}/`);
    }
  };
  await look("./");
  return found.toSorted();
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("each link of a page to another place of the project leads somewhere", async (t) => {
  for (const name of await pages()) {
    await t.step(name, async () => {
      const url = new URL(name, ROOT);
      const text = await Deno.readTextFile(url);
      for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? url : new URL(path, url);
        const isThere = await Deno.stat(target).then(() => true, () => false);
        ok(isThere, `${link} is not there`);
        if (anchor === undefined) continue;
        ok(anchorsOf(await Deno.readTextFile(target)).includes(anchor), `${link}: no such heading`);
      }
    });
  }
});
