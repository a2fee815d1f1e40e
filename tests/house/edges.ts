/**
 * Where the code touches what is not a function of its arguments: clocks, timers, random numbers, the
 * runtime, Node's modules.
 *
 * @module
 */

/** One such place. */
export interface Edge {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What is touched: `Date.now`, `setTimeout`, `Deno.connect`, `node:net`. */
  readonly name: string;
}

/** Globals of which any use counts. */
const GLOBALS = [
  "performance",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "process",
  "fetch",
  "WebSocket",
  "Worker",
];
/** Members that count of globals which are harmless otherwise. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  Math: ["random"],
  AbortSignal: ["timeout"],
  crypto: ["randomUUID", "getRandomValues"],
};
/** What of Node's modules only computes. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  "node:buffer": ["Buffer"],
  "node:crypto": ["createHash", "createHmac", "timingSafeEqual"],
  "node:http": ["STATUS_CODES"],
  "node:net": ["isIP"],
  "node:url": ["fileURLToPath"],
};
/** Classes of the runtime that do nothing. */
const PURE_OF_DENO = ["errors"];

type Node = Deno.lint.Node;

/**
 * Finds the edges in a file's code. Types, comments and texts are none.
 *
 * A name counts as the global of that name wherever it stands for a value; so no variable of one's own
 * should be called so.
 */
export function edgesIn(file: string, text: string): Edge[] {
  const plugin: Deno.lint.Plugin = {
    name: "house",
    rules: {
      edges: {
        create(context) {
          const found = (node: Node, message: string) => context.report({ node, message });
          return {
            Identifier(node) {
              const name = edgeAt(node);
              if (name !== undefined) found(node, name);
            },
            NewExpression(node) {
              if (isGlobal(node.callee, "Date") && node.arguments.length === 0) {
                found(node, "new Date()");
              }
            },
            CallExpression(node) {
              if (isGlobal(node.callee, "Date")) found(node, "Date()");
            },
            ImportDeclaration(node) {
              if (node.importKind === "type" || !node.source.value.startsWith("node:")) return;
              const pure = PURE[node.source.value] ?? [];
              const isPure = node.specifiers.every((specifier) =>
                specifier.type === "ImportSpecifier" &&
                (specifier.importKind === "type" ||
                  (specifier.imported.type === "Identifier" &&
                    pure.includes(specifier.imported.name)))
              );
              if (!isPure) found(node, node.source.value);
            },
            ExportNamedDeclaration(node) {
              if (node.source?.value.startsWith("node:")) found(node, node.source.value);
            },
            ExportAllDeclaration(node) {
              if (node.source.value.startsWith("node:")) found(node, node.source.value);
            },
            ImportExpression(node) {
              const { source } = node;
              const name = source.type === "Literal" ? String(source.value) : "import() of no text";
              if (source.type !== "Literal" || name.startsWith("node:")) found(node, name);
            },
          };
        },
      },
    },
  };
  const edges = Deno.lint.runPlugin(plugin, file, text).map(({ message, range: [start] }) => ({
    start,
    edge: { file, line: text.slice(0, start).split("\n").length, name: message },
  }));
  // Of `{ performance }` both the name and the value stand in the same place.
  return edges.filter(({ start }, i) => edges[i - 1]?.start !== start).map(({ edge }) => edge);
}

/** What an identifier touches where it stands; undefined when that is no edge. */
function edgeAt(node: Deno.lint.Identifier): string | undefined {
  const { name } = node;
  if (!isValue(node)) return undefined;
  if (GLOBALS.includes(name)) return name;
  const member = memberOf(node);
  if (name === "Deno") {
    if (member === undefined) return name;
    return PURE_OF_DENO.includes(member) ? undefined : `Deno.${member}`;
  }
  if (name === "globalThis") {
    if (member === undefined) return node.parent.type === "VariableDeclarator" ? name : undefined;
    const isEdge = GLOBALS.includes(member) || Object.hasOwn(MEMBERS, member) || member === "Deno";
    return isEdge ? `globalThis.${member}` : undefined;
  }
  const members = Object.hasOwn(MEMBERS, name) ? MEMBERS[name]! : [];
  if (member !== undefined) return members.includes(member) ? `${name}.${member}` : undefined;
  // `const { random } = Math`, and an object that is handed on as a whole.
  const isWhole = ["VariableDeclarator", "Property", "TSAsExpression", "TSNonNullExpression"]
    .includes(node.parent.type) || (node.parent.type === "CallExpression" && name !== "Date");
  return members.length > 0 && isWhole ? name : undefined;
}

/** The member that is taken of an object; undefined when it is used otherwise. */
function memberOf(node: Deno.lint.Identifier): string | undefined {
  const { parent } = node;
  if (parent.type !== "MemberExpression" || !isSame(parent.object, node)) return undefined;
  const { property } = parent;
  if (property.type === "Literal") return String(property.value);
  return property.type === "Identifier" && !parent.computed ? property.name : undefined;
}

/** Whether an identifier stands for a value, and is not only the name of a member or of a type. */
function isValue(node: Deno.lint.Identifier): boolean {
  const parent: Node = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return isSame(parent.object, node) || parent.computed;
    case "Property":
      // What is taken out of another object has that one's right to the name.
      if (parent.parent.type === "ObjectPattern") return false;
      return parent.computed || isSame(parent.value, node);
    case "PropertyDefinition":
    case "MethodDefinition":
      return parent.computed || !isSame(parent.key, node);
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "TSSatisfiesExpression":
      return true;
    default:
      return !parent.type.startsWith("TS") && !parent.type.startsWith("Import");
  }
}

function isGlobal(node: Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function isSame(a: Node, b: Node): boolean {
  return a.type === b.type && a.range[0] === b.range[0] && a.range[1] === b.range[1];
}
