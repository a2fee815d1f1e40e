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

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Holds what comes against one document. Throws for what is not as it says. */
export class OpenApi {
  readonly document: Any;
  /** `METHOD path status` of each response that was checked; webhooks as `webhook name`. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false });

  readonly #later: readonly string[];

  /** @param later Headers that the document has and the gateway not yet. */
  constructor(document: Any, later: readonly string[] = []) {
    this.document = document;
    this.#later = later;
    this.#ajv.addFormat("uuid", UUID).addFormat("date-time", TIME);
    this.#ajv.addSchema(document, "doc", undefined, false);
  }

  /** All that it says may come, as `seen` has it. */
  get documented(): string[] {
    const { paths, webhooks } = this.document;
    const answers = Object.entries<Any>(paths).flatMap(([path, item]) =>
      ["get", "post", "delete"].flatMap((method) =>
        Object.keys(item[method]?.responses ?? {})
          .map((status) => `${method.toUpperCase()} ${path} ${status}`)
      )
    );
    return [...answers, ...Object.keys(webhooks).map((name) => `webhook ${name}`)];
  }

  /** An answer of the API. @param path As in the request line. */
  checkAnswer(method: string, path: string, status: number, told: Told): void {
    const template = this.#templateOf(path.replace(/\?.*/, ""));
    const place = ["paths", template, method.toLowerCase(), "responses", String(status)];
    const what = `${method} ${template} ${status}`;
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
      ok(text !== null || !required || this.#later.includes(name), `${what}: no ${name}`);
      const value = schema.type === "integer" ? Number(text) : text;
      if (text !== null) ok(this.#ajv.validate(schema, value), `${what}: ${name}: ${text}`);
    }
    this.#checkBody([...place], response.content, told, what);
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

  #checkBody(place: string[], content: Any, { headers, body }: Told, what: string): void {
    if (content === undefined) return strictEqual(body, "", what);
    const type = headers.get("content-type")?.replace(/;.*/, "") ?? "none";
    ok(type in content, `${what}: ${type} is not documented`);
    if (!type.endsWith("json")) return;
    const validate = this.#schemaAt([...place, "content", type, "schema"]);
    ok(validate(JSON.parse(body)), `${what}: ${JSON.stringify(validate.errors)}: ${body}`);
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
