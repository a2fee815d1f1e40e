import type { ClientOptions, TestClient } from "./client.ts";
import type { TestGateway } from "./gateway.ts";

/**
 * A client that the gateway has listed: the upgrade's response may reach the client before that.
 */
export async function connected(
  gateway: TestGateway,
  path = "CP1",
  options?: ClientOptions,
): Promise<TestClient> {
  const client = await gateway.connect(path, options);
  await handled(client);
  return client;
}

/** Resolves when the gateway has handled everything that the client sent so far. */
export async function handled(client: TestClient): Promise<void> {
  const answer = client.next('[4,"-1"');
  client.send("no frame");
  await answer;
}
