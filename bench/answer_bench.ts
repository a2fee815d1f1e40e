/**
 * The backend's answer out of its bytes, as servers write it.
 *
 * The baseline is the parser for all answers, which reads what `PlainReader` leaves to it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { AnswerReader } from "../lib/forwarder/answer.ts";

const DATE = "Tue, 24 Nov 2026 08:02:37 GMT";
const BODY = '{"currentTime":"2026-11-24T08:02:37Z"}';

/** Heads as these servers write them, without the length. */
const SERVERS: readonly (readonly [name: string, lines: readonly string[]])[] = [
  ["Deno.serve", ["content-type: application/json", "vary: Accept-Encoding", `date: ${DATE}`]],
  [
    "Node",
    [
      "Content-Type: application/json",
      `Date: ${DATE}`,
      "Connection: keep-alive",
      "Keep-Alive: timeout=5",
    ],
  ],
  ["RoadRunner", ["Content-Type: application/json", `Date: ${DATE}`]],
  [
    "nginx, PHP-FPM, Laravel",
    [
      "Server: nginx/1.22.1",
      "Content-Type: application/json",
      "Connection: keep-alive",
      "X-Powered-By: PHP/8.2.29",
      "Cache-Control: no-cache, private",
      `Date: ${DATE}`,
    ],
  ],
];

function bytesOf(lines: readonly string[], body: string): Buffer {
  const head = ["HTTP/1.1 200 OK", ...lines, `Content-Length: ${Buffer.byteLength(body)}`];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** What the benches give goes here, so that none of it can be left out as unused. */
let sum = 0;

function bench(group: string, answer: Buffer): void {
  const readers = [["parser", new AnswerReader(65_536, null)], [
    "plain",
    new AnswerReader(65_536),
  ]] as const;
  for (const [name, reader] of readers) {
    Deno.bench(name, { group, baseline: name === "parser" }, () => {
      reader.expect();
      const reply = reader.push(answer, answer.length);
      if (reply === undefined || !reply.ok) throw new Error("no answer");
      sum += reply.body.length;
    });
  }
}

for (const [server, lines] of SERVERS) bench(`${server}, 38 B`, bytesOf(lines, BODY));

const [, [, NODE]] = SERVERS as [unknown, typeof SERVERS[number]];
bench("Node, 2 B", bytesOf(NODE, "{}"));
bench("Node, 400 B", bytesOf(NODE, `"${"x".repeat(398)}"`));
bench("Node, 5 KB", bytesOf(NODE, `"${"x".repeat(4998)}"`));
bench("Node, 40 B beyond ASCII", bytesOf(NODE, `"${"é".repeat(19)}"`));
