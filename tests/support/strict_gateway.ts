import { silentLog } from "../../lib/log/log.ts";
import { createValidator } from "../../lib/validate/validator.ts";
import { TestGateway } from "./gateway.ts";

/** A gateway that refuses payloads which are not valid. */
export function strictGateway(backendUrl: string, flags: readonly string[] = []): TestGateway {
  const validator = createValidator({ allowedActions: new Set() });
  return new TestGateway(backendUrl, ["--validate=strict", ...flags], silentLog, validator);
}
