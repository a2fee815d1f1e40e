/**
 * What an operator is told of the certificate that TLS shows, before clients stay away for it.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";
import { type Validity, validityOf } from "../config/certificate.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";

const DAY_MS = 86_400_000;
/** Looked at by the wall clock, which may be set; a timer may not be so long as a certificate lives. */
const LOOK_MS = 3_600_000;
/** Its end is told of so many days ahead. */
const DAYS_AHEAD = [1, 7, 30] as const;

/** What there is to tell: nothing, what is wrong, or within how many days it ends. */
type State = "good" | "early" | "ended" | typeof DAYS_AHEAD[number];

/** Owns which certificate is served, and what was told of it. */
export class CertificateWatch {
  readonly #clock: Clock;
  readonly #log: Pick<Log, "warn">;
  #validity: Validity | undefined;
  #told: State = "good";
  #toldAt = 0;
  #stop = (): void => {};

  constructor(clock: Clock, log: Pick<Log, "warn">) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * It is served from now on. Warns of one that has ended or is not valid yet, now and once a day, and
   * 30, 7 and 1 days before its end. One that lives for a short time only is warned of in the last
   * third of its life: it is renewed then, not before.
   */
  serve({ cert }: Pick<TlsPair, "cert">): void {
    this.stop();
    this.#validity = validityOf(cert);
    this.#told = "good";
    this.#look();
    this.#stop = every(this.#clock, LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  #look(): void {
    if (this.#validity === undefined) return;
    const state = stateOf(this.#validity, this.#clock.wallNow());
    const isWrong = state === "early" || state === "ended";
    const isOld = isWrong && this.#clock.now() - this.#toldAt >= DAY_MS;
    if (state === this.#told && !isOld) return;
    this.#told = state;
    this.#toldAt = this.#clock.now();
    this.#tell(state, this.#validity);
  }

  #tell(state: State, { notBefore, notAfter }: Validity): void {
    switch (state) {
      case "good":
        return;
      case "early":
        return this.#log.warn("the certificate is not valid yet: clients will refuse it", {
          notBefore: new Date(notBefore).toISOString(),
        });
      case "ended":
        return this.#log.warn("the certificate has expired: clients will refuse it", {
          notAfter: new Date(notAfter).toISOString(),
        });
      default:
        return this.#log.warn("the certificate expires soon", {
          notAfter: new Date(notAfter).toISOString(),
          days: Math.ceil((notAfter - this.#clock.wallNow()) / DAY_MS),
        });
    }
  }
}

function stateOf({ notBefore, notAfter }: Validity, now: number): State {
  if (now < notBefore) return "early";
  if (now >= notAfter) return "ended";
  const lastThird = (notAfter - notBefore) / 3;
  const left = notAfter - now;
  return DAYS_AHEAD.find((days) => left <= days * DAY_MS && left <= lastThird) ?? "good";
}
