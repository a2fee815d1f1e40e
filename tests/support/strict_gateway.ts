import { silentLog } from "../../lib/log/log.ts";
import { createValidator } from "../../lib/validate/validator.ts";
import { TestGateway } from "./gateway.ts";

/** A gateway that refuses payloads which are not valid. */
export function strictGateway(
  backendUrl: string,
  flags: readonly string[] = [],
): Promise<TestGateway> {
  const validator = createValidator({ allowedActions: new Set() });
  return TestGateway.start(backendUrl, ["--validate=strict", ...flags], silentLog, validator);
}
