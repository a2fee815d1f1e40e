/**
 * Where NATS is.
 *
 * @module
 */

/** Where NATS is, and what it wants to see. */
export interface NatsAddress {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly isTls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}
