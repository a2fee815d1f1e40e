/**
 * Prints the Debian packages that tests need and that are not here, in one line; nothing when all are.
 *
 * @module
 */

import { missingPackages } from "./needs.ts";

Deno.stdout.writeSync(new TextEncoder().encode(missingPackages().join(" ")));
