import { testWithNats } from "../support/nats.ts";
import { LedgerUnderTest } from "./ledger_under_test.ts";
import { testStore } from "./store_contract.ts";

testStore("JetStream", () => new LedgerUnderTest(), testWithNats);
