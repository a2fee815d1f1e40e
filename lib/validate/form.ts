/**
 * What somebody needs who writes a payload by hand: one to begin with, and the fields there are.
 *
 * @module
 */

import type { MessageSchema, Schema } from "./message_schema.ts";

/** One field that a payload has or may have. */
export interface Field {
  /** Where it stands, as a JSON pointer in which `-` is each element of an array. */
  readonly pointer: string;
  /** `object`, `array`, `string`, `integer`, `number`, `boolean`, `date-time` or `uri`. */
  readonly type: string;
  /** Whether what it stands in must have it. */
  readonly isRequired: boolean;
  /** The only values it may have. */
  readonly values?: readonly unknown[];
  /** Bounds as the schema names them: `maxLength`, `minimum`, `maximum`, `minItems`, `maxItems`. */
  readonly bounds?: Readonly<Record<string, number>>;
}

export interface PayloadForm {
  /** The smallest payload that the schema takes, with values that do least. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** In the schema's order, each behind what it stands in; without `customData`. */
  readonly fields: readonly Field[];
}

/** Deeper than any message is: types that refer to themselves end here. */
const MAX_DEPTH = 12;
const BOUNDS = ["maxLength", "minimum", "maximum", "minItems", "maxItems"] as const;
/** Of several values these do least harm when they are sent without a thought. */
const GENTLE: ReadonlySet<unknown> = new Set(["Soft", "OnIdle", "Operative"]);

/**
 * Reads a message's schema. Pure.
 *
 * @param message The schema, with the types that it refers to.
 * @param now The value of each field that is a date-time and must be there, RFC 3339.
 */
export function formOf(message: MessageSchema, now: string): PayloadForm {
  const types = message.definitions ?? {};
  const fields: Field[] = [];

  function resolved(schema: Schema): Schema {
    const name = schema.$ref?.replace("#/definitions/", "");
    return name === undefined ? schema : types[name] ?? {};
  }

  function least(schema: Schema): unknown {
    const { type, enum: values, format, minimum, maximum, minItems = 1, items } = schema;
    if (schema.default !== undefined) return schema.default;
    if (values !== undefined) return values.find((value) => GENTLE.has(value)) ?? values[0];
    switch (type) {
      case "object":
        return leastObject(schema);
      case "array":
        return Array.from(
          { length: minItems },
          () => items === undefined ? null : least(resolved(items)),
        );
      case "integer":
      case "number":
        return Math.min(Math.max(1, minimum ?? 1), maximum ?? Infinity);
      case "boolean":
        return false;
      default:
        if (format === "date-time") return now;
        return format === "uri" ? "https://" : "";
    }
  }

  function leastObject({ properties = {}, required = [] }: Schema): Record<string, unknown> {
    const names = Object.keys(properties).filter((name) => required.includes(name));
    return Object.fromEntries(names.map((name) => [name, least(resolved(properties[name]!))]));
  }

  function tell({ properties = {}, required = [] }: Schema, pointer: string, depth: number): void {
    for (const [name, property] of Object.entries(properties)) {
      if (name === "customData") continue;
      const schema = resolved(property);
      add(schema, `${pointer}/${name}`, required.includes(name));
      const inner = schema.items === undefined ? schema : resolved(schema.items);
      const way = schema.items === undefined ? "" : "/-";
      if (depth < MAX_DEPTH) tell(inner, `${pointer}/${name}${way}`, depth + 1);
    }
  }

  function add(schema: Schema, pointer: string, isRequired: boolean): void {
    const inner = schema.items === undefined ? schema : resolved(schema.items);
    const bounds = Object.fromEntries(
      BOUNDS.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]!]),
    );
    fields.push({
      pointer,
      type: schema.format ?? schema.type ?? "any",
      isRequired,
      ...(inner.enum && { values: inner.enum }),
      ...(Object.keys(bounds).length > 0 && { bounds }),
    });
  }

  const payload = leastObject(message);
  tell(message, "", 1);
  return { payload, fields };
}
