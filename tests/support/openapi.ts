/**
 * Answers of the API, and requests to the backend, held against the OpenAPI document.
 *
 * @module
 */

import { Ajv2020 } from "ajv/dist/2020.js";
import { ok, strictEqual } from "node:assert/strict";

// deno-lint-ignore no-explicit-any -- the document, whatever is in it.
type Any = any;

/** What came, of either side. */
export interface Told {
  readonly headers: Headers;
  readonly body: string;
}

/** Headers that mean something to the caller: one of these that is not documented is a fault. */
const MEANT = [
  ...["ws2api-outcome", "retry-after", "location", "preference-applied", "idempotency-replayed"],
  ...["www-authenticate", "allow"],
];

const METHODS = ["get", "post", "delete"];

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** What one path of the document has. */
export interface Operation {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  /** Whether it needs no token. */
  readonly isOpen: boolean;
}

/** Holds what comes against one document. Throws for what is not as it says. */
export class OpenApi {
  readonly document: Any;
  /**
   * What was checked: `METHOD path status` of each response; with its media type behind it; of each
   * header that is not required, with it and `without` it; of a request that was not refused
   * `METHOD path ?parameter`; webhooks as `webhook name`.
   */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false });

  constructor(document: Any) {
    this.document = document;
    this.#ajv.addFormat("uuid", UUID).addFormat("date-time", TIME);
    this.#ajv.addSchema(document, "doc", undefined, false);
  }

  get operations(): Operation[] {
    return Object.keys(this.document.paths).flatMap((path) =>
      METHODS.filter((method) => this.#at(["paths", path, method]) !== undefined).map((method) => {
        const { security } = this.#at(["paths", path, method]);
        return { method: method.toUpperCase(), path, isOpen: security?.length === 0 };
      })
    );
  }

  /** All that it says may come, as `seen` has it. */
  get documented(): string[] {
    const answers = this.operations.flatMap(({ method, path }) => {
      const operation = ["paths", path, method.toLowerCase()];
      const what = `${method} ${path}`;
      const statuses = Object.keys(this.#at([...operation, "responses"]));
      return [
        ...this.#parametersOf(path, method).map(({ name }) => `${what} ?${name}`),
        ...statuses.flatMap((status) => {
          const place = [...operation, "responses", status];
          const { headers = {}, content = {} } = this.#at(place);
          const optional = Object.keys(headers)
            .filter((name) => !this.#at([...place, "headers", name]).required);
          return [
            `${what} ${status}`,
            ...Object.keys(content).map((type) => `${what} ${status} ${type}`),
            ...optional.flatMap((name) => ["with", "without"].map((word) => `${word} ${name}`))
              .map((each) => `${what} ${status} ${each}`),
          ];
        }),
      ];
    });
    const { webhooks } = this.document;
    return [...answers, ...Object.keys(webhooks).map((name) => `webhook ${name}`)];
  }

  /** A request that was not refused. @param path As in the request line. */
  checkRequest(method: string, path: string, headers: Headers): void {
    const [place = "", text] = path.split("?");
    const template = this.#templateOf(place);
    const query = new URLSearchParams(text);
    const parameters = this.#parametersOf(template, method);
    for (const name of query.keys()) {
      ok(
        parameters.some((each) => each.in === "query" && each.name === name),
        `${method} ${template}: ${name} in the query is not documented`,
      );
    }
    for (const { name, in: where, required, schema } of parameters) {
      const value = where === "query" ? query.get(name) : headers.get(name);
      ok(value !== null || !required, `${method} ${path}: no ${name}`);
      if (value === null) continue;
      const typed = schema.type === "integer" ? Number(value) : value;
      ok(this.#ajv.validate(schema, typed), `${method} ${path}: ${name}: ${value}`);
      this.seen.add(`${method} ${template} ?${name}`);
    }
  }

  /** An answer of the API. @param path As in the request line. */
  checkAnswer(method: string, path: string, status: number, told: Told): void {
    const template = this.#templateOf(path.replace(/\?.*/, ""));
    const isHead = method === "HEAD";
    const documented = isHead ? "GET" : method;
    const place = ["paths", template, documented.toLowerCase(), "responses", String(status)];
    const what = `${documented} ${template} ${status}`;
    const response = this.#at(place);
    ok(response !== undefined, `${what} is not in the document`);
    this.seen.add(what);
    const headers: Any = response.headers ?? {};
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    for (const name of MEANT) {
      ok(!told.headers.has(name) || names.includes(name), `${what}: ${name} is not documented`);
    }
    for (const name of Object.keys(headers)) {
      const { required, schema } = this.#at([...place, "headers", name]);
      const text = told.headers.get(name);
      ok(text !== null || !required, `${what}: no ${name}`);
      const value = schema.type === "integer" ? Number(text) : text;
      if (text !== null) ok(this.#ajv.validate(schema, value), `${what}: ${name}: ${text}`);
      this.seen.add(`${what} ${text === null ? "without" : "with"} ${name}`);
    }
    this.#checkBody(place, response.content, told, what, isHead);
    if (response.content !== undefined) this.seen.add(`${what} ${typeOf(told.headers)}`);
  }

  /** A request to the backend. */
  checkWebhook(path: string, told: Told): void {
    const name = path.split("/")[1]!;
    const place = ["webhooks", name, "post"];
    const operation = this.#at(place);
    ok(operation !== undefined, `no webhook ${name}`);
    this.seen.add(`webhook ${name}`);
    const template: string = this.#at(["webhooks", name, "x-ws2api-path"]);
    strictEqual(path.split("/").length, template.split("/").length, path);
    const known = operation.parameters.map((each: Any) => each.name.toLowerCase());
    for (const [header] of told.headers) {
      const isMeant = /^(?:x-|webhook-|traceparent)/.test(header);
      ok(!isMeant || known.includes(header), `${name}: ${header} is not documented`);
    }
    for (const { name: header, required } of operation.parameters) {
      ok(!required || told.headers.has(header), `${name}: no ${header}`);
    }
    this.#checkBody([...place, "requestBody"], operation.requestBody.content, told, name);
  }

  #checkBody(
    place: string[],
    content: Any,
    { headers, body }: Told,
    what: string,
    isHead = false,
  ): void {
    if (content === undefined || isHead) strictEqual(body, "", what);
    if (content === undefined) return;
    const type = typeOf(headers);
    ok(type in content, `${what}: ${type} is not documented`);
    if (isHead || !/[/+]json$/.test(type)) return;
    const validate = this.#schemaAt([...place, "content", type, "schema"]);
    ok(validate(JSON.parse(body)), `${what}: ${JSON.stringify(validate.errors)}: ${body}`);
  }

  /** Those that are asked for beside the path. */
  #parametersOf(path: string, method: string): Any[] {
    const item = this.document.paths[path];
    return [...item.parameters ?? [], ...item[method.toLowerCase()]?.parameters ?? []]
      .map((each: Any) => each.$ref === undefined ? each : this.#at(each.$ref.slice(2).split("/")))
      .filter((each: Any) => each.in !== "path");
  }

  /** The place's object, by way of what it refers to. */
  #at(place: readonly string[]): Any {
    let at: Any = this.document;
    for (const name of place) {
      at = at?.[name];
      if (at?.$ref !== undefined) at = this.#at(at.$ref.slice(2).split("/"));
    }
    return at;
  }

  #schemaAt(place: readonly string[]) {
    const pointer = place.map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1"))
      .map(encodeURIComponent).join("/");
    const validate = this.#ajv.getSchema(`doc#/${pointer}`);
    if (validate === undefined) throw new Error(`no schema at ${pointer}`);
    return validate;
  }

  /** Of several the one with the fewest parameters. */
  #templateOf(path: string): string {
    const segments = path.split("/");
    const fits = (template: string): boolean => {
      const parts = template.split("/");
      return parts.length === segments.length &&
        parts.every((part, i) => part.startsWith("{") || part === segments[i]);
    };
    const found = Object.keys(this.document.paths).filter(fits)
      .toSorted((a, b) => a.split("{").length - b.split("{").length)[0];
    ok(found !== undefined, `${path} is not in the document`);
    return found;
  }
}

function typeOf(headers: Headers): string {
  return headers.get("content-type")?.replace(/;.*/, "") ?? "none";
}
