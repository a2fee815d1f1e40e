/** A worker that fails while it is loaded. */
throw new Error("broken for a test");
