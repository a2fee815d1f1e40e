/**
 * Batches of changes whose CALLs are not all decided.
 *
 * @module
 */

/** One that is decided. */
export interface DecidedBatch {
  readonly owner: number;
  readonly batch: number;
  /** Of its CALLs. */
  readonly ids: readonly string[];
  /** Whether all of them are kept: they are told so together. */
  readonly isKept: boolean;
}

interface OpenBatch {
  readonly owner: number;
  readonly batch: number;
  readonly ids: readonly string[];
  open: number;
  isKept: boolean;
}

/** Owns whose word which CALL waits for. */
export class Batches {
  /** By the id of each CALL that is not decided. */
  readonly #byId = new Map<string, OpenBatch>();

  /** Whether a CALL waits for its word. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /**
   * A batch came.
   *
   * @param ids Of its CALLs, one or more, of which none waits already.
   * @param isKept False: they are told no in any case.
   */
  add(owner: number, batch: number, ids: readonly string[], isKept = true): void {
    const open: OpenBatch = { owner, batch, ids, open: ids.length, isKept };
    for (const id of ids) this.#byId.set(id, open);
  }

  /** One CALL is decided. @returns The batch with it when that was its last one. */
  decide(id: string, isKept: boolean): DecidedBatch | undefined {
    const open = this.#byId.get(id);
    if (open === undefined) return undefined;
    this.#byId.delete(id);
    if (!isKept) open.isKept = false;
    return --open.open === 0 ? open : undefined;
  }
}
