/**
 * CPU profiles, added up.
 *
 * @module
 */

import { type CallFrame, type CpuNode, type CpuProfile, keyOf } from "./inspector.ts";
import type { StackFrame } from "./pprof.ts";

/** How often V8 found one stack. */
export interface CountedStack {
  /** The function that ran first, its caller behind it, and so on. */
  readonly stack: readonly StackFrame[];
  readonly count: number;
}

interface Branch {
  readonly callFrame: CallFrame;
  /** Hits by line in the code that V8 runs; 0 where V8 did not tell. */
  readonly hits: Map<number, number>;
  readonly children: Map<string, Branch>;
}

const NATIVE = { url: "", lineNumber: -1, columnNumber: -1 };

/**
 * All call paths of all profiles that were added, and their hits.
 *
 * Owns their sums. Always true: there are no more call paths than it may have, and no hit is lost for
 * want of one.
 *
 * Time in which the thread had nothing to do is left out: it is no CPU time.
 */
export class CallTree {
  readonly #maxBranches: number;
  #branches = 0;
  readonly #root = branchOf({ functionName: "(other)", ...NATIVE });

  /**
   * @param maxBranches Call paths that are told apart. Beyond that, hits of new ones count for the
   *   nearest caller whose path is known.
   */
  constructor(maxBranches: number) {
    this.#maxBranches = maxBranches;
  }

  /** Call paths so far. */
  get branches(): number {
    return this.#branches;
  }

  add(profile: CpuProfile): void {
    const [root] = profile.nodes;
    if (root === undefined) return;
    const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
    const open: [node: CpuNode, branch: Branch][] = [[root, this.#root]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [node, branch] = next;
      addHits(branch, node);
      for (const id of node.children ?? []) {
        const child = nodes.get(id);
        if (child === undefined || isIdle(child.callFrame)) continue;
        open.push([child, this.#childOf(branch, child.callFrame)]);
      }
    }
  }

  #childOf(branch: Branch, callFrame: CallFrame): Branch {
    const key = keyOf(callFrame);
    let child = branch.children.get(key);
    if (child === undefined) {
      if (this.#branches >= this.#maxBranches) return branch;
      this.#branches++;
      child = branchOf(callFrame);
      branch.children.set(key, child);
    }
    return child;
  }

  /** Every stack with hits, once for each line of its innermost function. */
  *stacks(): Generator<CountedStack> {
    const open: [branch: Branch, callers: StackFrame[]][] = [[this.#root, []]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [{ callFrame, hits, children }, callers] = next;
      for (const [line, count] of hits) {
        const leaf = line > 0 ? { callFrame, line } : { callFrame };
        yield { stack: [leaf, ...callers], count };
      }
      const stack = callFrame === this.#root.callFrame ? [] : [{ callFrame }, ...callers];
      for (const child of children.values()) open.push([child, stack]);
    }
  }
}

function branchOf(callFrame: CallFrame): Branch {
  return { callFrame, hits: new Map(), children: new Map() };
}

function addHits({ hits, callFrame }: Branch, node: CpuNode): void {
  let rest = node.hitCount ?? 0;
  // The lines of a path that has no branch of its own are in another function.
  const isOwn = keyOf(callFrame) === keyOf(node.callFrame);
  for (const { line, ticks } of isOwn ? node.positionTicks ?? [] : []) {
    hits.set(line, (hits.get(line) ?? 0) + ticks);
    rest -= ticks;
  }
  if (rest > 0) hits.set(0, (hits.get(0) ?? 0) + rest);
}

function isIdle({ functionName, url }: CallFrame): boolean {
  return functionName === "(idle)" && url === "";
}
