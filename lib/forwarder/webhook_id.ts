/**
 * Which request it is, however often it is tried.
 *
 * @module
 */

import { type Random, randomUuid } from "../random.ts";
import { isReport } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/**
 * Gives requests their `webhookId`: to be put around the tries, for it is the same in all of them.
 * Reports get one, and when requests are signed all do, since the signature covers it.
 */
export class WebhookIds extends OuterLayer {
  readonly #isSigned: boolean;
  readonly #random: Pick<Random, "bytes">;

  constructor(inner: Layer, isSigned: boolean, random: Pick<Random, "bytes">) {
    super(inner);
    this.#isSigned = isSigned;
    this.#random = random;
  }

  override forward(post: Post): void {
    if (post.webhookId === undefined && (this.#isSigned || isReport(post))) {
      post.webhookId = randomUuid(this.#random);
    }
    this.inner.forward(post);
  }
}
