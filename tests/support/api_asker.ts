import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { inTime } from "./deadline.ts";
import type { OpenApi } from "./openapi.ts";

/** A report's id that no report has. */
export const NO_ID = "01890000-0000-7000-8000-000000000001";
const NAMES: Readonly<Record<string, string>> = {
  ...{ action: "Act", clientId: "CP1", messageId: "1", id: NO_ID },
};

/** A path of the document, with names in place of its parameters. */
export function pathOf(template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name) => NAMES[name]!);
}

/** Asks one gateway; what it answers goes through the document, and so does what it was asked. */
export class ApiAsker {
  readonly #openApi: OpenApi;
  readonly #url: string;

  constructor(openApi: OpenApi, url: string) {
    this.#openApi = openApi;
    this.#url = url;
  }

  /** Sends a request whose status is known; of a GET the HEAD too, which must be as it. */
  readonly ask = async (
    status: number,
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<string> => {
    const { body, headers } = await this.#answer(status, method, path, init);
    if (status < 400) this.#openApi.checkRequest(method, path, new Headers(init.headers));
    if (method === "GET") {
      const head = await this.#answer(status, "HEAD", path, init);
      const names = (all: Headers) => [...all.keys()].filter((name) => !/^(?:date)$/.test(name));
      deepStrictEqual(names(head.headers), names(headers), `HEAD ${path}`);
    }
    return body;
  };

  /** `POST /call/<path>` */
  call(status: number, path: string, body = "{}", headers: Record<string, string> = {}) {
    return this.ask(status, "POST", `/call/${path}`, { body, headers });
  }

  async #answer(
    status: number,
    method: string,
    path: string,
    init: RequestInit,
  ): Promise<{ readonly body: string; readonly headers: Headers }> {
    const answer = await inTime(fetch(this.#url + path, { method, ...init }), path);
    const body = await answer.text();
    strictEqual(answer.status, status, `${method} ${path}: ${body}`);
    this.#openApi.checkAnswer(method, path, status, { headers: answer.headers, body });
    return { body, headers: answer.headers };
  }
}
