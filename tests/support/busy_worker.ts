/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * A thread that profiles itself: it is sent a file's name, and says when that is written.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { startProfiles } from "../../lib/profile/profile.ts";
import { systemRandom } from "../../lib/random.ts";
import { burn } from "./busy.ts";

self.addEventListener("message", async ({ data }: MessageEvent<string>) => {
  const deps = { clock: systemClock, random: systemRandom, log: silentLog };
  const started = await startProfiles({ cpuFile: data, memFile: undefined }, deps);
  if (started.ok) {
    burn(200);
    await started.profiles.stop(10_000);
  }
  self.postMessage(started.ok);
});
