/**
 * The table of what attacks do to honest clients.
 *
 * @module
 */

import { digits, markdownTable, ms } from "../report/markdown.ts";
import type { Case } from "./cases.ts";
import type { Measured } from "./turn.ts";

/** An attack with what it did to each program, or why that was not measured, in few words. */
export interface Row {
  readonly attack: Case;
  readonly results: readonly (Measured | string)[];
}

const HEADINGS = ["honest p99 without → with", "answers/s", "besides"];

/** @param programs What the columns of each program are headed with. */
export function tableOf(programs: readonly string[], rows: readonly Row[]): string {
  const heading = programs.flatMap((program) =>
    HEADINGS.map((each) => program === "" ? each : `${program}: ${each}`)
  );
  return markdownTable([
    ["attack", ...heading],
    ...rows.map(({ attack, results }) => [attack.title, ...results.flatMap(cellsOf)]),
  ]);
}

function cellsOf(result: Measured | string): string[] {
  if (typeof result === "string") return ["–", "–", result];
  const { calm, attacked, besides } = result;
  const rates = [calm, attacked].map((each) => digits(each.answersPerSecond));
  return [
    `${ms(calm.p99Ms)} → ${ms(attacked.p99Ms)}`,
    rates.join(" → "),
    besides.join("; ").replaceAll("|", "\\|"),
  ];
}
