/**
 * What tests need beyond Deno, and what becomes of those that miss it: they are left out, their
 * names say so, and `deno task test` tells at its end which Debian package brings it.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Something that may be missing on a machine. */
interface Thing {
  /** Where it comes from, such as a Debian package. */
  readonly source: string;
  /** Where it is here; undefined when it is not. */
  find(): string | undefined;
}

/** Debian's own Python, which its packages are for, whatever other `python3` comes first. */
const PYTHON = "/usr/bin/python3";

/** Everything that a test may need. */
const THINGS = {
  "apache2": onPath("apache2"),
  "chromium": onPath("chromium"),
  "go": onPath("go", "golang-go"),
  "haproxy": onPath("haproxy"),
  "nats-server": onPath("nats-server"),
  "nginx": onPath("nginx", "nginx-light"),
  "openssl": onPath("openssl"),
  "php": onPath("php", "php-cli"),
  // Debian's has its version in its name.
  "php-fpm": onPath(/^php-fpm\d+\.\d+$/, "php-fpm"),
  "python3": { source: "Debian: python3", find: () => isFile(PYTHON) ? PYTHON : undefined },
  "python3-websockets": {
    source: "Debian: python3-websockets",
    find: () => outputOf(PYTHON, ["-c", "import websockets"]) === undefined ? undefined : PYTHON,
  },
  "script": onPath("script", "bsdutils"),
  "ss": onPath("ss", "iproute2"),
  "a small disk": {
    source: "root that may mount a tmpfs",
    find: () => canMount() ? "" : undefined,
  },
  "::1": {
    source: "IPv6 on the loopback interface",
    find: () => canListen("::1") ? "::1" : undefined,
  },
  "localhost as 127.0.0.1": {
    source: "/etc/hosts",
    find: () => localhostAt("127.0.0.1"),
  },
  "localhost as ::1": { source: "/etc/hosts", find: () => localhostAt("::1") },
} satisfies Record<string, Thing>;

/** Whether a file system of a test's own can be mounted. */
function canMount(): boolean {
  if (Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync({ prefix: "ws2api-mount-" });
  try {
    const run = (program: string, args: string[]): boolean => outputOf(program, args) !== undefined;
    const isMounted = run("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
    return isMounted && run("umount", [folder]);
  } finally {
    Deno.removeSync(folder);
  }
}

/** The name of something that may be missing on a machine. */
export type Need = keyof typeof THINGS;

type Body = (t: Deno.TestContext) => Promise<void> | void;

/** The variable that names a file to which each test that is left out is added, a line each. */
export const LEFT_OUT_FILE = "TESTS_LEFT_OUT_FILE";

/** A line of that file, in JSON. */
export interface LeftOut {
  /** From the root of the project. */
  readonly file: string;
  readonly name: string;
  readonly missing: readonly Need[];
}

/** Where it comes from: `Debian: <package>`, or what else a machine has to have. */
export function sourceOf(need: Need): string {
  return THINGS[need].source;
}

const found = new Map<Need, string | undefined>();

function find(need: Need): string | undefined {
  if (!found.has(need)) found.set(need, THINGS[need].find());
  return found.get(need);
}

/** Debian packages that are not here; without Go's, which is large and which one step uses. */
export function missingPackages(): string[] {
  const needs = (Object.keys(THINGS) as Need[]).filter((need) =>
    need !== "go" && sourceOf(need).includes("Debian: ")
  );
  const sources = missingOf(needs).map(sourceOf);
  return sources.flatMap((source) => source.split("Debian: ").slice(1)).sort();
}

/** The program's file. @throws When it is not here. */
export function programOf(need: Need): string {
  const file = find(need);
  if (file === undefined) throw new Error(`no ${need} here`);
  return file;
}

/** Which of them are not here. A test that asks by itself is left out in silence. */
function missingOf(needs: Need | readonly Need[]): Need[] {
  return [needs].flat().filter((need) => find(need) === undefined);
}

/** Registers a test, or leaves it out where something is missing that it needs. */
export function testWith(
  needs: Need | readonly Need[],
  name: string,
  fn: Body,
  options: Omit<Deno.TestDefinition, "name" | "fn"> = {},
): void {
  Deno.test({ ...options, ...whereThereIs(needs, name), fn: async (t) => await fn(t) });
}

/** Runs a step of a test, or leaves it out where something is missing that it needs. */
export async function stepWith(
  t: Deno.TestContext,
  needs: Need | readonly Need[],
  name: string,
  fn: Body,
): Promise<void> {
  await t.step({ ...whereThereIs(needs, name), fn });
}

function whereThereIs(
  needs: Need | readonly Need[],
  name: string,
): { name: string; ignore: boolean } {
  const missing = missingOf(needs);
  if (missing.length === 0) return { name, ignore: false };
  const listed = Deno.env.get(LEFT_OUT_FILE);
  if (listed !== undefined) {
    const root = fileURLToPath(new URL("../../", import.meta.url));
    const file = relative(root, fileURLToPath(Deno.mainModule));
    const line: LeftOut = { file, name, missing };
    Deno.writeTextFileSync(listed, `${JSON.stringify(line)}\n`, { append: true });
  }
  return { name: `${name} (no ${missing.join(", no ")})`, ignore: true };
}

/**
 * A program where the shell looks, and where it looks for root: an ordinary user's PATH lacks the
 * folders of Debian's servers.
 *
 * @param name Its file's name.
 * @param debian The package that brings it; has the program's name unless given.
 */
function onPath(name: string | RegExp, debian = String(name)): Thing {
  const folders = (): string[] => [
    ...(Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== ""),
    ...["/usr/sbin", "/sbin"],
  ];
  return {
    source: `Debian: ${debian}`,
    find() {
      for (const folder of folders()) {
        const names = typeof name === "string"
          ? [name]
          : namesIn(folder).filter((each) => name.test(each));
        const file = names.map((each) => `${folder}/${each}`).find(isFile);
        if (file !== undefined) return file;
      }
      return undefined;
    },
  };
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Whether it is a file that may be run. */
function isFile(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** A program's output; undefined when it fails, or is not here. */
function outputOf(file: string, args: string[]): string | undefined {
  try {
    const { success, stdout } = new Deno.Command(file, { args, stdin: "null", stderr: "null" })
      .outputSync();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** The address, when the name localhost leads there: `/etc/hosts` may lack one of the two. */
function localhostAt(hostname: string): string | undefined {
  const isThere = canListen(hostname) &&
    outputOf("getent", ["ahosts", "localhost"])?.split(/\s/).includes(hostname) === true;
  return isThere ? hostname : undefined;
}

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
