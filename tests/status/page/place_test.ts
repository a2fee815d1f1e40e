import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Place } from "../../../lib/status/page/place.js";

/** As much of a browser's window as the address needs. */
class FakeWindow extends EventTarget {
  entries: string[];

  constructor(url: string) {
    super();
    this.entries = [url];
  }

  get location() {
    const { pathname, search, hash } = new URL(this.entries.at(-1)!, "http://gw");
    return { pathname, search, hash };
  }

  readonly history = {
    pushState: (_state: unknown, _title: string, url: string) => void this.entries.push(url),
    replaceState: (_state: unknown, _title: string, url: string) =>
      void this.entries.splice(-1, 1, url),
  };

  /** A browser tells Back twice when the hashes differ. */
  back(): void {
    this.entries.pop();
    this.dispatchEvent(new Event("popstate"));
    this.dispatchEvent(new Event("hashchange"));
  }
}

Deno.test("the address tells what is shown, and keeps what it does not know", () => {
  const window = new FakeWindow("/gw/?x=1#later=2");
  const place = new Place(window);
  strictEqual(place.get("search"), null);
  place.set({ search: "a&b=c d/é", client: "CP#1%" });
  deepStrictEqual([place.get("search"), place.get("client"), place.get("later")], [
    "a&b=c d/é",
    "CP#1%",
    "2",
  ]);
  // A reload reads the same.
  strictEqual(new Place(window).get("search"), "a&b=c d/é");
  place.set({ search: "", client: null, later: null });
  deepStrictEqual(window.entries, ["/gw/?x=1"]);
});

Deno.test("Back leads to what was pushed, is told once, and not by who set it", () => {
  const window = new FakeWindow("/");
  const place = new Place(window);
  const seen: (string | null)[] = [];
  place.onChange(() => seen.push(place.get("client")));
  place.set({ client: "CP1" }, { push: true });
  place.set({ client: "CP2" }, { push: true });
  place.set({ client: "CP2" }, { push: true });
  deepStrictEqual(window.entries, ["/", "/#client=CP1", "/#client=CP2"]);
  deepStrictEqual(seen, []);
  window.back();
  window.back();
  deepStrictEqual(seen, ["CP1", null]);
});

Deno.test("a browser that takes no more changes does not stop the page", () => {
  const window = new FakeWindow("/#client=CP1");
  window.history.replaceState = () => {
    throw new DOMException("too many calls", "SecurityError");
  };
  const place = new Place(window);
  place.set({ client: "CP2" });
  strictEqual(place.get("client"), "CP1");
});
