/**
 * How the demo prints what goes to and fro: a column each for client, gateway and backend.
 *
 * @module
 */

const ARROWS = {
  "client to gateway": ["client ", "──▶", " gateway"],
  "gateway to client": ["client ", "◀──", " gateway"],
  "gateway to backend": ["           gateway ", "──▶", " backend"],
  "backend to gateway": ["           gateway ", "◀──", " backend"],
} as const;

/** Who speaks to whom. */
export type Leg = keyof typeof ARROWS;

/** Where the text begins, right of the three columns. */
const TEXT_COLUMN = 32;
/** A terminal that leaves less than this for the text wraps it by itself. */
const MIN_TEXT_CHARS = 40;

const BOLD = "\x1b[1m";
const TO_BACKEND = "\x1b[36m";
const TO_CLIENT = "\x1b[33m";
const PLAIN = "\x1b[0m";

export interface TraceStyle {
  readonly isColoured: boolean;
  /** Longer lines go on in the text's column; Infinity never breaks one. */
  readonly columns: number;
}

/** Prints the demo's lines. */
export interface Trace {
  text(text: string): void;
  heading(text: string): void;
  step(leg: Leg, text: string): void;
}

/**
 * Makes a trace.
 *
 * @param write Takes each text, line ends included.
 */
export function createTrace(style: TraceStyle, write: (text: string) => void): Trace {
  const textChars = style.columns - TEXT_COLUMN;

  function paint(code: string, text: string): string {
    return style.isColoured ? code + text + PLAIN : text;
  }

  return {
    text: (text) => write(`${text}\n`),
    heading: (text) => write(`\n${paint(BOLD, text)}\n\n`),
    step(leg, text) {
      const [left, arrow, right] = ARROWS[leg];
      const isToBackend = arrow === "──▶";
      const gap = " ".repeat(TEXT_COLUMN - (left + arrow + right).length);
      const lines = textChars < MIN_TEXT_CHARS ? [text] : broken(text, textChars);
      write(
        left + paint(isToBackend ? TO_BACKEND : TO_CLIENT, arrow) + right + gap +
          lines.join(`\n${" ".repeat(TEXT_COLUMN)}`) + "\n",
      );
    },
  };
}

function broken(text: string, maxChars: number): string[] {
  const lines: string[] = [];
  for (let rest = text; rest !== ""; rest = rest.slice(maxChars)) {
    lines.push(rest.slice(0, maxChars));
  }
  return lines;
}

/** A trace on standard output, with colours on a terminal unless `NO_COLOR` is set. */
export function traceToStdout(): Trace {
  const isTerminal = Deno.stdout.isTerminal();
  const style = {
    isColoured: isTerminal && !Deno.noColor,
    columns: isTerminal ? Deno.consoleSize().columns : Infinity,
  };
  return createTrace(style, (text) => {
    try {
      let bytes = new TextEncoder().encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    } catch {
      // Whoever read this has gone, as `| head` does.
    }
  });
}
