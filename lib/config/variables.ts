/**
 * The environment variables that begin as the program's own do.
 *
 * @module
 */

import { nearestFlag } from "./command_line.ts";
import { type FlagName, FLAGS, variableOf } from "./flag.ts";

const PREFIX = "WS2API_";

/** Names, with blanks between, of the variables that begin so: the start command asks the shell for them. */
export const NAMES_VARIABLE = "WS2API_VARIABLES";

/**
 * What Kubernetes sets in each container for a Service whose name begins with `ws2api`, and how its value
 * looks: somebody's own `WS2API_PORT=4000` is none of these.
 */
const OF_KUBERNETES: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/, /^[0-9a-fA-F.:]+$/],
  [/_SERVICE_PORT(?:_[A-Z0-9_]+)?$/, /^\d{1,5}$/],
  [/_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP))?$/, /^(?:tcp|udp|sctp):\/\//],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PROTO$/, /^(?:tcp|udp|sctp)$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PORT$/, /^\d{1,5}$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_ADDR$/, /^[0-9a-fA-F.:]+$/],
];

/**
 * The first of these variables that is nobody's, as one line for a person.
 *
 * @param names Of any variables; those that do not begin with `WS2API_` do not count.
 * @param variable Reads one.
 * @returns Undefined when there is none.
 */
export function strangeVariable(
  names: readonly string[],
  variable: (name: string) => string | undefined,
): string | undefined {
  const known = new Set<string>((Object.keys(FLAGS) as FlagName[]).map(variableOf));
  known.add(NAMES_VARIABLE);
  const strange = names.find((name) =>
    name.startsWith(PREFIX) && !known.has(name) && !isOfKubernetes(name, variable(name) ?? "")
  );
  if (strange === undefined) return undefined;
  const nearest = nearestFlag(strange.slice(PREFIX.length));
  const hint = nearest === undefined ? "" : `did you mean ${variableOf(nearest)}? `;
  const shown = /^\w{1,60}$/.test(strange) ? strange : JSON.stringify(strange.slice(0, 60));
  return `${shown}: no such variable; ${hint}allowed are those that --help lists`;
}

function isOfKubernetes(name: string, value: string): boolean {
  return OF_KUBERNETES.some(([names, values]) => names.test(name) && values.test(value));
}
