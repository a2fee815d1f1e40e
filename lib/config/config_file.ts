/**
 * The file of `--config`: flags by their names without dashes, as TOML or as JSON with comments.
 *
 * @module
 */

import { nearestFlag } from "./command_line.ts";
import { type FlagName, FLAGS } from "./flag.ts";
import type { Flag } from "./flag_kind.ts";
import { shownFile } from "./shown.ts";

/** A file that was read. */
export interface ConfigFile {
  /** Its name, as it was given. */
  readonly name: string;
  /** What it sets, as it would stand on the command line. Not looked at further. */
  readonly texts: ReadonlyMap<FlagName, string>;
}

export type ReadConfigFile =
  | { readonly ok: true; readonly file: ConfigFile }
  /** One line that names the file and the key; never a value, which may be a secret. */
  | { readonly ok: false; readonly message: string };

/** A file's values by their keys, in its order, or what is wrong with it. */
type Parsed =
  | { readonly ok: true; readonly entries: readonly (readonly [key: string, value: unknown])[] }
  | { readonly ok: false; readonly fault: string };

/** Not for a file: they say which file counts, and what is done with it. */
const NOT_IN_FILES: readonly FlagName[] = ["config", "check"];

/**
 * Reads it. The libraries that parse are loaded only now.
 *
 * @param name Ends with `.toml`, `.json` or `.jsonc`.
 * @param readFile Reads one file; its throw is the file's fault.
 * @returns Never rejects.
 */
export async function readConfigFile(
  name: string,
  readFile: (name: string) => Uint8Array,
): Promise<ReadConfigFile> {
  const refuse = (fault: string): ReadConfigFile => ({
    ok: false,
    message: `--config: ${shownFile(name)}${fault}`,
  });
  const parse = parserOf(name);
  if (parse === undefined) {
    return refuse(" is not allowed; allowed is a name that ends with .toml, .json or .jsonc");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFile(name));
  } catch (error) {
    if (error instanceof TypeError) return refuse(" is no UTF-8 text");
    const reason = error instanceof Error ? error.name : "unknown";
    return refuse(` cannot be read (${reason}); allowed is a readable file`);
  }
  const parsed = await parse(text);
  if (!parsed.ok) return refuse(`: ${parsed.fault}`);
  const texts = new Map<FlagName, string>();
  for (const [key, value] of parsed.entries) {
    const fault = keyFault(key, texts);
    if (fault !== undefined) return refuse(`: ${shownKey(key)}: ${fault}`);
    const flag = key as FlagName;
    const given = textOf(value, FLAGS[flag]);
    if (given === undefined) {
      const { isList }: Flag<unknown> = FLAGS[flag];
      const allowed = isList === true
        ? "a text, or a list of texts"
        : "a text, a number, or true or false";
      return refuse(`: ${key}: ${kindOf(value)} is not allowed; allowed is ${allowed}`);
    }
    texts.set(flag, given);
  }
  return { ok: true, file: { name, texts } };
}

function parserOf(name: string): ((text: string) => Promise<Parsed>) | undefined {
  if (name.endsWith(".toml")) return parseToml;
  return /\.jsonc?$/.test(name) ? parseJson : undefined;
}

async function parseToml(text: string): Promise<Parsed> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return { ok: true, entries: Object.entries(parse(text)) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Below its first line the message shows the file's text.
    const [reason = ""] = error.message.split("\n");
    return { ok: false, fault: `line ${error.line}: ${reason}` };
  }
}

async function parseJson(text: string): Promise<Parsed> {
  const { parseTree, getNodeValue, printParseErrorCode } = await import("jsonc-parser");
  const errors: import("jsonc-parser").ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split("\n").length;
    return { ok: false, fault: `line ${line}: ${printParseErrorCode(error.error)}` };
  }
  if (root?.type !== "object") return { ok: false, fault: "it must be one object" };
  // Not as one value: of a key that stands there twice that would have the last one alone.
  const entries = (root.children ?? []).flatMap(({ children: [key, value] = [] }) =>
    key === undefined || value === undefined
      ? []
      : [[String(getNodeValue(key)), getNodeValue(value)] as const]
  );
  return { ok: true, entries };
}

function keyFault(key: string, before: ReadonlyMap<FlagName, string>): string | undefined {
  if (!Object.hasOwn(FLAGS, key)) {
    const nearest = nearestFlag(key);
    const hint = nearest === undefined ? "" : `did you mean ${nearest}? `;
    return `no such setting; ${hint}allowed are the flags of --help without their dashes`;
  }
  const name = key as FlagName;
  if (NOT_IN_FILES.includes(name)) return "is not allowed in a file; allowed is the flag";
  return before.has(name) ? "given twice; allowed is once" : undefined;
}

/** As it would stand on the command line; undefined for what no flag can be. */
function textOf(value: unknown, { isList }: Flag<unknown>): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return String(value);
    case "number":
      return Number.isFinite(value) ? String(value) : undefined;
  }
  if (isList !== true || !Array.isArray(value)) return undefined;
  return value.every((each) => typeof each === "string") ? value.join(",") : undefined;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "such a list";
  if (value === null) return "null";
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a table" : "this number";
}

/** What stands in place of a key may be anything, also a secret with its `=` forgotten. */
function shownKey(key: string): string {
  return /^[A-Za-z0-9_-]{1,50}$/.test(key) ? key : "a key";
}
