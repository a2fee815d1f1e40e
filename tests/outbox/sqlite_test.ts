import { SqliteUnderTest } from "./sqlite_under_test.ts";
import { testStore } from "./store_contract.ts";

testStore("SQLite", () => new SqliteUnderTest());
