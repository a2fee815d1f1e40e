import type { ClientOptions, TestClient } from "./client.ts";
import { inTime } from "./deadline.ts";
import type { TestGateway } from "./gateway.ts";
import { RawClient } from "./raw_client.ts";

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

/** Who is connected, in order. */
export async function clientIds(gateway: TestGateway): Promise<string[]> {
  const { clients } = JSON.parse((await gateway.api("/clients")).text);
  return clients.map(({ id }: { id: string }) => id);
}

/** Tries again until the gateway has seen that another one left. */
export function whenLetIn(gateway: TestGateway, path: string): Promise<RawClient> {
  const trying = async (): Promise<RawClient> => {
    for (;;) {
      const client = await RawClient.connect(gateway, path);
      if (client.head.startsWith("HTTP/1.1 101 ")) return client;
      client[Symbol.dispose]();
    }
  };
  return inTime(trying(), `room for ${path}`);
}
