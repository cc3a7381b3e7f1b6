// node --test sandbox.test.mjs, with SANDBOX naming target/components/auction_sandbox.core.wasm.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { load } from "../verifier/verifier.mjs";

const usd = (amount) => ({ amount, currency: "USD" });
const terms = {
  title: "A lot", format: "english", increments: "ebay_us", start_price: usd(1_000),
  duration_seconds: 600, soft_close: { mode: "off" },
};

test("an auction is played where its page is read, and the same one again", async () => {
  const simulate = await load(readFile(process.env.SANDBOX), "simulate");
  const bidders = [
    { name: "Ana", strategy: "proxy", limit: 5_000, at_ms: 1_000 },
    { name: "Ben", strategy: "proxy", limit: 3_200 },
    { name: "Cleo", strategy: "sniper", limit: 9_000 },
  ];
  const story = simulate({ terms, bidders, seed: 7 });
  assert.deepEqual(story.result.hammer_price, usd(5_100));
  assert.equal(story.people[story.result.winner.bidder], "Cleo");
  assert.deepEqual(simulate({ terms, bidders, seed: 7 }), story);
  assert.notDeepEqual(simulate({ terms, bidders, seed: 8 }), story);
});

test("what is not played says why", async () => {
  const simulate = await load(readFile(process.env.SANDBOX), "simulate");
  assert.equal(simulate("no request").error.code, "invalid_request");
  const dear = { ...terms, buy_now_price: usd(1_001) };
  assert.equal(simulate({ terms: dear, bidders: [] }).error.errors[0].code, "too_low");
});
