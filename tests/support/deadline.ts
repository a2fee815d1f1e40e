/** A bound on every wait of a test: it fails with a name instead of hanging. */
export async function inTime<T>(promise: Promise<T>, what: string, ms = 15_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again, in turns of the event loop, until it is so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  ms = 15_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!await isSo()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Values that come one by one, and those who wait for the next that fits. */
export class Inbox<T> {
  readonly #values: T[] = [];
  readonly #waiters: { fits: (value: T) => boolean; resolve: (value: T) => void }[] = [];

  put(value: T): void {
    const index = this.#waiters.findIndex(({ fits }) => fits(value));
    if (index === -1) this.#values.push(value);
    else this.#waiters.splice(index, 1)[0]!.resolve(value);
  }

  /** Takes the first value that fits, now or when it comes. */
  take(what: string, fits: (value: T) => boolean = () => true): Promise<T> {
    const index = this.#values.findIndex(fits);
    if (index !== -1) return Promise.resolve(this.#values.splice(index, 1)[0]!);
    return inTime(new Promise((resolve) => this.#waiters.push({ fits, resolve })), what);
  }

  /** What has come and was not taken. */
  get left(): readonly T[] {
    return this.#values;
  }
}
