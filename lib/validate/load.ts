/**
 * Whether payloads are checked.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Validator } from "./validator.ts";

/** The validator, loaded only where payloads are checked. */
export async function validatorOf(config: Config): Promise<Validator | undefined> {
  if (config.validate === "off") return undefined;
  const { createValidator } = await import("./validator.ts");
  return createValidator({ allowedActions: new Set(config.allowActions) });
}
