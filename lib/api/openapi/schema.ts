/**
 * What schemas of the OpenAPI document are made of.
 *
 * @module
 */

/** An object of the document. */
export type Node = { readonly [member: string]: unknown };

/** A part that is defined once. */
export function ref(kind: "schemas" | "headers" | "parameters", name: string): Node {
  return { $ref: `#/components/${kind}/${name}` };
}

export const TEXT = { type: "string" };

const NULL = { type: "null" };

/** A value of that schema, or null. */
export function orNull(schema: Node): Node {
  return { oneOf: [schema, NULL] };
}

/** An object with these members, all of them there. */
export function object(properties: Node, optional: readonly string[] = []): Node {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

export const TIME = { type: "string", format: "date-time" };
export const COUNT = { type: "integer", minimum: 0 };
/** Where a list goes on. */
export const NEXT = {
  ...orNull(TEXT),
  description: "For `after`; null when this was the last page.",
};

/** What a request says in one place. */
export function asked(
  name: string,
  place: "query" | "header",
  description: string,
  schema: Node,
): Node {
  return { name, in: place, description, schema };
}
