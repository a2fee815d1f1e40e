import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import dashboard from "../../examples/grafana/dashboard.json" with { type: "json" };
import { silentLog } from "../../lib/log/log.ts";
import { TestGateway } from "../support/gateway.ts";

const ALERTS = await Deno.readTextFile(
  new URL("../../examples/prometheus/alerts.yml", import.meta.url),
);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

const RULES: Rule[] = parse(ALERTS).groups.flatMap(({ rules }: { rules: Rule[] }) => rules);
const PANEL_EXPRESSIONS = dashboard.panels
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The values of each label of each metric. */
type Metrics = Map<string, Map<string, Set<string>>>;

/** Reads the text of `/metrics`. */
function readMetrics(text: string): Metrics {
  const metrics: Metrics = new Map();
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const values = metrics.get(name) ?? new Map<string, Set<string>>();
    metrics.set(name, values);
    for (const [, label = "", value = ""] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return metrics;
}

/** `/metrics` of a gateway that nobody has talked to, and what one with TLS has besides; one with a name tells of NATS. */
async function scrape(instance?: string): Promise<Metrics> {
  const silent = [[], silentLog, undefined, undefined] as const;
  await using gateway = await TestGateway.start("http://127.0.0.1:9/", ...silent, instance);
  const { status, text } = await gateway.api("/metrics");
  strictEqual(status, 200);
  return readMetrics(`${text}\nws2api_certificate_expiry_seconds 1\n`);
}

const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const OPERATORS = new Set(["and", "or", "unless", "bool"]);
/** Labels that Prometheus adds, not the gateway. */
const ADDED_LABELS = ["job", "instance"];

/** What a PromQL expression selects: names with the text in their braces. Functions are left out. */
function selectorsOf(expression: string): [name: string, matchers: string][] {
  const bare = expression.replaceAll(/#.*$/gm, "").replaceAll(LABEL_LISTS, "")
    .replaceAll(/\[[^\]]*\]/g, "").replaceAll(/\boffset\s+\w+/g, "");
  return [...bare.matchAll(/(?<![\w"$])([a-z_]\w*)\b(?:\s*\{([^}]*)\})?(?!\s*\()/g)]
    .map(([, name = "", matchers = ""]): [string, string] => [name, matchers])
    .filter(([name]) => !OPERATORS.has(name));
}

/** What of an expression a gateway has not, in words. */
function unknownIn(expression: string, metrics: Metrics): string[] {
  const unknown: string[] = [];
  const labels = new Set(ADDED_LABELS);
  for (const [name, matchers] of selectorsOf(expression)) {
    const values = metrics.get(name);
    // Prometheus's own: whether the last scrape came through.
    if (name === "up") continue;
    if (values === undefined) {
      unknown.push(name);
      continue;
    }
    for (const label of values.keys()) labels.add(label);
    for (
      const [, label = "", value = ""] of matchers.matchAll(/(\w+)\s*(?:!=|!~|=~|=)\s*"([^"]*)"/g)
    ) {
      if (ADDED_LABELS.includes(label)) continue;
      for (const one of value.split("|")) {
        if (!values.get(label)?.has(one)) unknown.push(`${name}{${label}="${one}"}`);
      }
    }
  }
  for (const [, list = ""] of expression.matchAll(LABEL_LISTS)) {
    unknown.push(...list.split(",").map((label) => label.trim()).filter((l) => !labels.has(l)));
  }
  return unknown;
}

Deno.test("the check of expressions finds what a gateway has not", () => {
  const metrics = readMetrics(
    [
      "# TYPE a_total counter",
      'a_total{kind="x"} 0',
      'a_total{kind="y",n="1"} 3',
      'b_bucket{le="+Inf"} 1',
      "c 1e-7",
    ].join("\n"),
  );
  const rows: [expression: string, unknown: string[]][] = [
    ['sum by (job, kind) (rate(a_total{kind=~"x|y"}[5m])) > 0.5 and c offset 5m < 1', []],
    ['histogram_quantile(0.9, sum by (le) (rate(b_bucket{instance=~"$i"}[$__rate_interval])))', []],
    ["up == 0", []],
    ["rate(b_total[5m])", ["b_total"]],
    ["c / on (job) d # e", ["d"]],
    ['a_total{kind!="z"}', ['a_total{kind="z"}']],
    ['c{kind="x"}', ['c{kind="x"}']],
    ["sum by (kinds) (a_total)", ["kinds"]],
    ["sum by (kind) (c)", ["kind"]],
  ];
  for (const [expression, unknown] of rows) {
    deepStrictEqual(unknownIn(expression, metrics), unknown, expression);
  }
});

Deno.test("each metric, label and value that alerts and dashboard name is one of the gateway's", async () => {
  const metrics = await scrape("0123456789ab");
  const expressions = [...RULES.map(({ expr }) => expr), ...PANEL_EXPRESSIONS];
  ok(expressions.length > 50);
  for (const expression of expressions) {
    notStrictEqual(selectorsOf(expression).length, 0, expression);
    deepStrictEqual(unknownIn(expression, metrics), [], expression);
  }
  // Also where no expression is: variables, templates, descriptions.
  for (const text of [ALERTS, JSON.stringify(dashboard)]) {
    for (const [name] of text.matchAll(/\b(?:ws2api|process|nodejs)_\w+/g)) {
      ok(metrics.has(name) || metrics.has(`${name}_count`), name);
    }
  }
});

Deno.test("each alert has a severity, a summary and a description", () => {
  strictEqual(new Set(RULES.map(({ alert }) => alert)).size, RULES.length);
  for (const { alert, labels, annotations } of RULES) {
    match(alert, /^Ws2api[A-Z]\w+$/);
    match(labels["severity"] ?? "", /^(warning|critical)$/, alert);
    deepStrictEqual(Object.keys(annotations).sort(), ["description", "summary"], alert);
  }
});

Deno.test("the dashboard can be imported: its panels have their places and its variables", () => {
  strictEqual(dashboard.uid, "ws2api");
  deepStrictEqual(dashboard.templating.list.map(({ name }) => name), ["datasource", "instance"]);
  strictEqual(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  const taken = new Set<string>();
  for (const { type, title, gridPos, datasource } of dashboard.panels) {
    ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        ok(!taken.has(`${x},${y}`), `${title} lies over another panel`);
        taken.add(`${x},${y}`);
      }
    }
    if (type !== "row") strictEqual(datasource?.uid, "${datasource}", title);
  }
  for (const expression of PANEL_EXPRESSIONS) {
    for (const [, matchers] of selectorsOf(expression)) {
      ok(matchers.includes('instance=~"$instance"'), expression);
    }
  }
});

Deno.test("a gateway without others tells nothing of NATS, so that no alert waits for it", async () => {
  const has = (metrics: Metrics): boolean =>
    [...metrics.keys()].some((name) => name.startsWith("ws2api_nats_"));
  deepStrictEqual([has(await scrape()), has(await scrape("0123456789ab"))], [false, true]);
});
