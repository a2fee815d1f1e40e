import { deepStrictEqual } from "node:assert/strict";
import { CertificateWatch } from "../../lib/program/certificate.ts";
import { makeDatedCertificate } from "../support/dated_certificate.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";
import { RecordedLog } from "../support/recorded_log.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Serves a certificate of these days from now, and tells after which days it warned, and how. */
async function warnings(from: number, to: number, days: number): Promise<[number, string][]> {
  using dir = new TempDir();
  const clock = new FakeClock();
  const logged = new RecordedLog();
  const start = clock.wallNow();
  const certificate = await makeDatedCertificate(dir, start + from * DAY, start + to * DAY);
  const watch = new CertificateWatch(clock, logged.log);
  const told: [number, string][] = [];
  const note = (): void => {
    for (const { event, fields } of logged.lines.splice(0)) {
      const about = fields["days"] ?? fields["notAfter"] ?? fields["notBefore"];
      told.push([clock.now() / DAY, `${event} ${about}`]);
    }
  };
  watch.serve(certificate);
  note();
  for (let hour = 0; hour < 24 * days; hour++) {
    clock.tick(HOUR);
    note();
  }
  watch.stop();
  deepStrictEqual(clock.timers, 0);
  return told;
}

const ENDED = "the certificate has expired: clients will refuse it";
const EARLY = "the certificate is not valid yet: clients will refuse it";
const SOON = "the certificate expires soon";

testWith(
  "openssl",
  "a certificate is warned of 30, 7 and 1 days before its end, then daily",
  async () => {
    deepStrictEqual(await warnings(-1, 89, 91), [
      [59, `${SOON} 30`],
      [82, `${SOON} 7`],
      [88, `${SOON} 1`],
      [89, `${ENDED} 2026-03-31T00:00:00.000Z`],
      [90, `${ENDED} 2026-03-31T00:00:00.000Z`],
      [91, `${ENDED} 2026-03-31T00:00:00.000Z`],
    ]);
  },
);

testWith("openssl", "one that is near its end is warned of at once", async () => {
  deepStrictEqual(await warnings(-80, 10, 4), [[0, `${SOON} 10`], [3, `${SOON} 7`]]);
});

testWith(
  "openssl",
  "one that lives for six days is warned of in the last third of its life",
  async () => {
    deepStrictEqual(await warnings(0, 6, 6), [
      [4, `${SOON} 2`],
      [5, `${SOON} 1`],
      [6, `${ENDED} 2026-01-07T00:00:00.000Z`],
    ]);
  },
);

testWith("openssl", "one that is not valid yet is warned of daily until it is", async () => {
  deepStrictEqual(await warnings(1.5, 400, 10), [
    [0, `${EARLY} 2026-01-02T12:00:00.000Z`],
    [1, `${EARLY} 2026-01-02T12:00:00.000Z`],
  ]);
});

testWith("openssl", "the next certificate is judged anew, and the former no more", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const { log, lines } = new RecordedLog();
  const watch = new CertificateWatch(clock, log);
  const now = clock.wallNow();
  watch.serve(await makeDatedCertificate(dir, now - 9 * DAY, now - DAY));
  watch.serve(await makeDatedCertificate(dir, now - DAY, now + 300 * DAY));
  clock.tick(3 * DAY);
  deepStrictEqual(lines.map(({ event }) => event), [ENDED]);
  watch.serve(await makeDatedCertificate(dir, now - 9 * DAY, now - 2 * DAY));
  deepStrictEqual(lines.map(({ event }) => event), [ENDED, ENDED]);
  watch.stop();
});
