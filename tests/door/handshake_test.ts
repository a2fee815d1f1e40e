import { strictEqual } from "node:assert/strict";
import { addressOf } from "../../lib/door/handshake.ts";

Deno.test("the address that a trusted peer names counts when it is one, and not too long", async (t) => {
  const rows: [forwardedFor: string | null, address: string][] = [
    [null, "192.0.2.1"],
    ["", "192.0.2.1"],
    ["198.51.100.7", "198.51.100.7"],
    ["10.0.0.1, 198.51.100.7", "198.51.100.7"],
    ["2001:db8::7", "2001:db8::7"],
    ["::ffff:198.51.100.7", "198.51.100.7"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    [`fe80::1%${"a".repeat(8000)}`, "192.0.2.1"],
    ["station.example", "192.0.2.1"],
  ];
  for (const [forwardedFor, address] of rows) {
    await t.step(String(forwardedFor).slice(0, 40), () => {
      strictEqual(addressOf("192.0.2.1", forwardedFor), address);
    });
  }
});
