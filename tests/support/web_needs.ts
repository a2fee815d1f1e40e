/**
 * The programs of the web that tests run, by name; tests without theirs are left out.
 *
 * @module
 */

/** Each program's file and the Debian package that brings it. */
const PROGRAMS = {
  "apache2": { file: /^apache2$/, debian: "apache2" },
  "haproxy": { file: /^haproxy$/, debian: "haproxy" },
  "nginx": { file: /^nginx$/, debian: "nginx-light" },
  "openssl": { file: /^openssl$/, debian: "openssl" },
  // Debian's has its version in its name.
  "php-fpm": { file: /^php-fpm\d+\.\d+$/, debian: "php-fpm" },
} as const;

/** The name of a program that may be missing on a machine. */
export type Need = keyof typeof PROGRAMS;

/** Debian's servers are in /usr/sbin, which is not on everybody's PATH. */
function find(need: Need): string | undefined {
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin"]) {
    const name = namesIn(folder).find((each) => PROGRAMS[need].file.test(each));
    if (name !== undefined) return `${folder}/${name}`;
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The program's file. @throws When it is not here. */
export function programOf(need: Need): string {
  const file = find(need);
  if (file === undefined) throw new Error(`no ${need} here`);
  return file;
}

/** Registers a test, or leaves it out where a program is missing that it needs. */
export function testWith(
  needs: readonly Need[],
  name: string,
  fn: (t: Deno.TestContext) => Promise<void>,
): void {
  const missing = needs.filter((need) => find(need) === undefined);
  const packages = missing.map((need) => PROGRAMS[need].debian).join(", ");
  const suffix = missing.length === 0 ? "" : ` (left out without ${packages})`;
  Deno.test({ name: name + suffix, ignore: missing.length > 0, fn });
}
