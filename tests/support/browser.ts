import { deepStrictEqual } from "node:assert/strict";
import type { Page } from "playwright-core";
import { programOf } from "./needs.ts";
import { TempDir } from "./program.ts";

/** A text that would do harm as markup, which `assertUnharmed` sees. */
export const HOSTILE = "<img src=x onerror=globalThis.hacked=1>";

/** A page in a real Chromium, and all that it asked for and complained about. */
export class TestPage implements AsyncDisposable {
  readonly page: Page;
  /** Addresses of all requests. */
  readonly requests: string[] = [];
  /** Errors and warnings of the console, such as violations of the page's policy. */
  readonly complaints: string[] = [];
  /** The browser, and the folder that it writes into. */
  #stack = new AsyncDisposableStack();

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(15_000);
    page.on("request", (request) => void this.requests.push(request.url()));
    page.on("pageerror", (error) => void this.complaints.push(error.message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
  }

  /** @param hosts Names that mean 127.0.0.1 here. */
  static async open(url: string, hosts: readonly string[] = []): Promise<TestPage> {
    // Otherwise it looks, as it is loaded, into a file that needs all permissions.
    Deno.env.set("__IS_WSL_TEST__", "1");
    const { chromium } = await import("playwright-core");
    const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(", ");
    await using stack = new AsyncDisposableStack();
    const home = stack.use(new TempDir()).path("");
    const browser = stack.adopt(
      await chromium.launch({
        executablePath: programOf("chromium"),
        // As root it has no sandbox.
        args: ["--no-sandbox", "--no-proxy-server", `--host-resolver-rules=${rules}`],
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
        // What it writes goes there, and not into the home of who runs the tests.
        env: {
          PATH: Deno.env.get("PATH"),
          HOME: home,
          XDG_CONFIG_HOME: home,
          XDG_CACHE_HOME: home,
          XDG_RUNTIME_DIR: home,
        },
      }),
      (browser) => browser.close(),
    );
    const test = new TestPage(await browser.newPage());
    await test.page.goto(url);
    test.#stack = stack.move();
    return test;
  }

  /** Waits until an element's text fits. */
  async text(selector: string, pattern: RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: pattern }).first().waitFor();
  }

  /** Gives a token to the page's dialog. */
  async give(token: string): Promise<void> {
    await this.page.getByLabel("API token").fill(token);
    await this.page.getByRole("button", { name: "Open" }).click();
  }

  /** What only hostile input could have brought into the page. */
  async assertUnharmed(): Promise<void> {
    const found = await this.page.evaluate("[globalThis.hacked, document.images.length]");
    deepStrictEqual(found, [undefined, 0]);
  }

  /** Tells the page that it is hidden, or seen again: without a screen there is no other way. */
  async setHidden(isHidden: boolean): Promise<void> {
    await this.page.evaluate(`
      Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
