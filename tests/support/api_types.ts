/**
 * Writes the types of examples/typed-client, from the document of the API: `deno task api:types`.
 *
 * @module
 */

import openapiTypescript, { astToString } from "openapi-typescript";
import { fileURLToPath } from "node:url";
import { DOCUMENT } from "../../lib/api/openapi/document.ts";

/** Where they are. */
export const TYPES_FILE = fileURLToPath(
  new URL("../../examples/typed-client/ws2api.d.ts", import.meta.url),
);

const HEAD =
  `// Made by openapi-typescript from the gateway's GET /openapi.json; README.md says how.
// deno-lint-ignore-file
`;

/** The types, formatted as the project's code is. */
export async function apiTypes(): Promise<string> {
  // Through JSON, as it comes from the gateway.
  const nodes = await openapiTypescript(JSON.parse(JSON.stringify(DOCUMENT)));
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=ts", "-"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    ...{ stdin: "piped", stdout: "piped", stderr: "inherit" },
  }).spawn();
  const output = formatter.output();
  const writer = formatter.stdin.getWriter();
  await writer.write(new TextEncoder().encode(HEAD + astToString(nodes)));
  await writer.close();
  return new TextDecoder().decode((await output).stdout);
}

if (import.meta.main) await Deno.writeTextFile(TYPES_FILE, await apiTypes());
