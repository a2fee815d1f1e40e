/**
 * What a connection is about at one moment.
 *
 * @module
 */

/** What a connection is about. */
export interface ConnectionState {
  /** When the last frame came or went, to the second; milliseconds since 1970. */
  readonly lastActivityAt: number;
  /**
   * When the client's last valid frame came, to the second; milliseconds since 1970, null before the
   * first. An instance of an older version does not tell it.
   */
  readonly heardAt?: number | null;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Messages that wait for the backend or for their turn to go to the client. */
  readonly waiting: number;
  /** CALLs that the client has not answered. */
  readonly outstanding: number;
  /**
   * CALLERRORs and CALLRESULTERRORs that passed, either way, and texts that were no frame. An instance
   * of an older version does not tell them.
   */
  readonly errors?: number;
}
