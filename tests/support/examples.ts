/** The examples that are backends for all versions of OCPP. */

import { startBackend } from "../../examples/backend.ts";
import { onClosedPort } from "./backend.ts";
import type { Need } from "./needs.ts";
import { PhpServer } from "./php.ts";

/** One of them, running. */
export interface RunningExample extends AsyncDisposable {
  readonly url: string;
}

/** Each by the name of its file, and what a machine needs for it. */
export const EXAMPLES: readonly {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly start: () => Promise<RunningExample>;
}[] = [
  {
    name: "examples/backend.ts",
    needs: [],
    start: () => {
      const { url, stop } = startBackend({ port: 0 });
      return Promise.resolve({ url, [Symbol.asyncDispose]: stop });
    },
  },
  {
    name: "examples/roadrunner/app.php",
    needs: ["php"],
    start: () => onClosedPort((port) => PhpServer.start(port, "examples/roadrunner/app.php")),
  },
];
