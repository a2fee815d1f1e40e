/** Payloads with what their schema asks for and nothing else. */

/** As far as the OCPP schemas use JSON schema. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/**
 * The smallest payload that a message's schema takes.
 *
 * @param message The schema, with the types that it refers to.
 * @throws On a keyword or type that no OCPP schema uses: it would go unheeded.
 */
export function minimalPayload(message: unknown): unknown {
  const { definitions = {} } = message as Schema;

  function minimal(schema: Schema): unknown {
    if (schema.$ref !== undefined) {
      const type = definitions[schema.$ref.replace("#/definitions/", "")];
      if (type === undefined) throw new TypeError(`no ${schema.$ref}`);
      return minimal(type);
    }
    if (schema.enum !== undefined) return schema.enum[0];
    switch (schema.type) {
      case "object": {
        const { required = [], properties = {} } = schema;
        return Object.fromEntries(required.map((name) => [name, minimal(properties[name]!)]));
      }
      case "array":
        return Array.from({ length: schema.minItems ?? 1 }, () => minimal(schema.items!));
      case "string":
        if (schema.format === "date-time") return "2026-01-02T03:04:05Z";
        if (schema.format === "uri") return "ftp://127.0.0.1/";
        return "7".repeat(schema.minLength ?? 1);
      case "integer":
      case "number":
        return schema.minimum ?? 1;
      case "boolean":
        return true;
    }
    throw new TypeError(`no payload for ${JSON.stringify(schema).slice(0, 100)}`);
  }

  return minimal(message as Schema);
}
