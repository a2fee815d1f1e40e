import { strictEqual } from "node:assert/strict";
import { machineOf } from "../../bench/report/machine.ts";

const CPUINFO = [0, 1].map((core) =>
  `processor\t: ${core}\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9B14 \nflags\t\t: fpu\n`
).join("\n");
const MEMINFO = "MemTotal:       24610188 kB\nMemFree:         1000000 kB\n";

Deno.test("the machine is its processor's model, cores and memory", () => {
  strictEqual(machineOf(CPUINFO, MEMINFO), "AMD EPYC 9B14, 2 cores, 23 GiB");
});

Deno.test("the machine leaves out what the kernel does not tell", () => {
  const arm = "processor\t: 0\nBogoMIPS\t: 100.00\n";
  strictEqual(machineOf(arm, MEMINFO), "1 core, 23 GiB");
  strictEqual(machineOf("", ""), "unknown machine");
});
