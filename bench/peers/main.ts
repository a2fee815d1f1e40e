/**
 * The gateway against bridges for Node, in one run, turn by turn.
 *
 *     deno task bench:peers                                the whole, about 35 minutes
 *     deno task bench:peers --rounds 1 --seconds 2 --only closed-64,open
 *
 * Everything runs on this machine and shares its processors, so only the ratios say something. Linux
 * only. Needs `node` and, the first time, `npm` with its registry. A whole run writes its part of
 * bench/RESULTS.md and bench/peers/peers.svg.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { runTask } from "../load/task.ts";
import { writeErr, writeOut } from "../load/text.ts";
import { chartOf } from "./chart.ts";
import { type ReadSettings, readSettings } from "./flags.ts";
import { Groups } from "./groups.ts";
import packages from "./node/package.json" with { type: "json" };
import { sectionOf, type Versions, withSection } from "./report.ts";
import { run } from "./run.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const CHART = `${HERE}peers.svg`;
const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));

/** @returns Its standard output. @throws When it fails. */
async function output(command: string, args: string[], cwd = HERE): Promise<string> {
  const { success, stdout } = await new Deno.Command(command, { args, cwd, stderr: "inherit" })
    .output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Installs the peers exactly as their lock file says, unless that was done since it changed. */
async function install(): Promise<void> {
  const folder = `${HERE}node/`;
  const wantedAt = await modifiedAt(`${folder}package-lock.json`);
  // npm writes this when all else is in place.
  if (await modifiedAt(`${folder}node_modules/.package-lock.json`) >= wantedAt) return;
  // None needs its install script: the native part comes built.
  await output("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
}

/** @returns Milliseconds since 1970; 0 when there is no such file. */
async function modifiedAt(file: string): Promise<number> {
  try {
    return (await Deno.stat(file)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

async function versionsOf(): Promise<Versions> {
  const { ws, undici, "ocpp-rpc": ocppRpc } = packages.dependencies;
  const node = (await output("node", ["--version"])).replace(/^v/, "");
  return { Deno: Deno.version.deno, Node: node, ws, "ocpp-rpc": ocppRpc, undici };
}

/** The exit code: 0 for a clean run, 1 for any trouble, 2 for flags that ask for none. */
async function main(read: ReadSettings, groups: Groups): Promise<number> {
  if (read.kind === "print") {
    writeOut(read.text);
    return 0;
  }
  if (read.kind === "refuse") {
    writeErr(`bench:peers: ${read.message}\n`);
    return 2;
  }
  const { settings } = read;
  await install();
  const versions = await versionsOf();
  const results = await run(settings, groups);
  const section = sectionOf(results, settings, versions);
  writeOut(section);
  if (settings.jsonFile !== null) {
    await Deno.writeTextFile(
      settings.jsonFile,
      `${JSON.stringify({ settings, versions, results }, null, 2)}\n`,
    );
  }
  if (settings.isWritten) {
    await Deno.writeTextFile(CHART, chartOf(results, settings.scenarios, settings.contenders));
    const document = await Deno.readTextFile(RESULTS);
    await Deno.writeTextFile(RESULTS, withSection(document, section));
    await output(Deno.execPath(), ["fmt", "--quiet", RESULTS, CHART]);
  }
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  await runTask("bench:peers", new Groups(), (started) => main(readSettings(Deno.args), started));
}
