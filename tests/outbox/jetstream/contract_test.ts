import { testWithNats } from "../../support/nats.ts";
import { testStore } from "../store_contract.ts";
import { JetStreamUnderTest } from "./outbox_under_test.ts";

testStore("JetStream", () => new JetStreamUnderTest(), testWithNats);
