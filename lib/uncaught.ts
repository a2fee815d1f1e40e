/**
 * Errors of a thread that nobody caught.
 *
 * @module
 */

/** The part of a thread's global scope that tells of them. */
export interface UncaughtScope {
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
  addEventListener(
    type: "unhandledrejection",
    listener: (event: PromiseRejectionEvent) => void,
  ): void;
}

/**
 * Takes them over from the runtime, which would end the whole program.
 *
 * @param die Told of each; the thread should end with it.
 */
export function takeUncaught(scope: UncaughtScope, die: (error: unknown) => void): void {
  scope.addEventListener("error", (event) => {
    event.preventDefault();
    die(event.error ?? event.message);
  });
  scope.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    die(event.reason);
  });
}
