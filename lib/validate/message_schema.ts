/**
 * JSON schema, as far as the OCPP schemas use it.
 *
 * @module
 */

/** What a value may be. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** A message's schema, with the types that it refers to. */
export interface MessageSchema extends Schema {
  readonly definitions?: Readonly<Record<string, Schema>>;
}
