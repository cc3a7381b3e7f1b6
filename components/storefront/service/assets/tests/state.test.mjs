// Words of the server in every order in which they can come: nobody is told to lead too early, too
// late, or after a later bid.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as state from "../state.js";

const usd = (amount) => ({ amount, currency: "USD" });
const LADDER = [{ from: 1, step: 5 }, { from: 500, step: 50 }, { from: 2_500, step: 100 }];

/** Nobody has bid yet; the visitor has no alias. */
const begin = (members = {}, aliases = []) => state.begin({
  id: "auc_1", format: "english", status: "open", start_price: usd(1_000), price: null,
  next_minimum: usd(1_000), next_maximum: null, buy_now_price: null, bid_count: 0,
  bidder_count: 0, leader: null, reserve: "none", increments: LADDER, dutch: null,
  starts_at: "t0", ends_at: "t1", server_time: "t0", seq: 1, exponent: 2, me: null,
  my_max: null, leading: false, ...members,
}, aliases);

const placed = (seq, bidder, leader, price, more = {}) => ({
  seq, event: "bid_placed", time: "t", data: {
    bid_id: `bid_${seq}`, bidder, amount: null, commitment: "c", price: usd(price),
    next_minimum: usd(price + 50), leader, reserve: "none", bid_count: seq - 1, ends_at: "t1",
    revealed: [], ...more,
  },
});
const reply = (seq, outcome, price) => ({
  seq, outcome, price: usd(price), next_minimum: usd(price + 50), reserve: "none", ends_at: "t1",
  explanation: { rule: "B2.4", text: "Because." },
});
const happen = (lot, ...events) => events.reduce(state.follow, lot);
const stands = ({ standing, me, leader, price, seq }) =>
  [standing, me, leader, price?.amount ?? null, seq];

test("the first bid of a visitor tells the alias, in whatever order its words come", () => {
  const own = placed(2, "bidder-1", "bidder-1", 1_000);
  const said = reply(2, "leading", 1_000);
  const first = state.answered(happen(begin(), own), said, usd(5_000));
  const last = happen(state.answered(begin(), said, usd(5_000)), own);
  for (const lot of [first, last]) {
    assert.deepEqual(stands(lot), ["leading", "bidder-1", "bidder-1", 1_000, 2]);
    assert.deepEqual([lot.my_max, lot.word.seq], [usd(5_000), 2]);
  }
  const nobody = happen(begin(), own);
  assert.equal(nobody.standing, null, "an event alone does not say whose bid it is");
});

test("an answer that was overtaken does not say that the visitor leads", () => {
  const later = placed(3, "bidder-2", "bidder-2", 5_100);
  const seen = happen(begin(), placed(2, "bidder-1", "bidder-1", 1_000), later);
  const lot = state.answered(seen, reply(2, "leading", 1_000), usd(5_000));
  assert.deepEqual(stands(lot), ["outbid", "bidder-1", "bidder-2", 5_100, 3]);
});

test("an event that an answer overtook does not move the price back", () => {
  const me = { me: "bidder-1", my_max: usd(2_000), leading: false, bidder_count: 2 };
  const asked = begin({ ...me, seq: 3, price: usd(2_050), leader: "bidder-2" });
  const ahead = state.answered(asked, reply(5, "leading", 6_000), usd(9_000));
  const behind = happen(ahead, placed(4, "bidder-2", "bidder-2", 2_050));
  assert.deepEqual(stands(behind), ["leading", "bidder-1", "bidder-2", 6_000, 4]);
  const level = happen(behind, placed(5, "bidder-1", "bidder-1", 6_000));
  assert.deepEqual(stands(level), ["leading", "bidder-1", "bidder-1", 6_000, 5]);
  assert.equal(level.word.seq, 5);
});

test("a lost lead is told by the private word, by the log, or by both", () => {
  const leads = begin({ me: "bidder-1", my_max: usd(2_000), leading: true, leader: "bidder-1" });
  assert.equal(leads.standing, "leading");
  const word = { seq: 2, price: usd(2_050), next_minimum: usd(2_100), ends_at: "t2" };
  const event = placed(2, "bidder-2", "bidder-2", 2_050, { ends_at: "t2" });
  const told = state.outbid(leads, word);
  for (const lot of [told, happen(leads, event), happen(told, event)]) {
    assert.deepEqual([lot.standing, lot.price, lot.ends_at], ["outbid", usd(2_050), "t2"]);
  }
  const again = state.answered(told, reply(3, "leading", 2_100), usd(9_000));
  assert.equal(state.outbid(again, word).standing, "leading", "an old word changes nothing");
});

test("who only looks is neither", () => {
  const lot = happen(begin({ me: "bidder-1" }), placed(2, "bidder-2", "bidder-2", 1_000));
  assert.equal(lot.standing, null);
});

test("sealed bids lead nowhere", () => {
  const sealed = { format: "vickrey", next_minimum: null, my_max: usd(900), me: "bidder-1" };
  const other = placed(2, "bidder-2", null, 0, { price: null, next_minimum: null });
  const lot = happen(begin(sealed), other);
  assert.deepEqual([lot.standing, lot.leader, lot.price, lot.bid_count], ["in", null, null, 1]);
  assert.equal(state.answered(lot, reply(3, "accepted", 0), usd(950)).standing, "in");
});

test("nobody is outbid where nobody leads", () => {
  const mine = { next_minimum: null, my_max: usd(900), me: "bidder-1", leading: false };
  for (const format of ["sealed_first_price", "vickrey", "uniform_price", "dutch"]) {
    const lot = begin({ ...mine, format });
    assert.equal(lot.standing, "in", format);
    const back = { bidder: "bidder-1", bid_ids: ["bid_1"], price: null, next_minimum: null,
      leader: null, reserve: "none", bid_count: 1, revealed: [{ amount: usd(800) }] };
    const left = happen(lot, { seq: 2, event: "bid_retracted", time: "t", data: back });
    assert.deepEqual([left.standing, left.my_max], ["in", usd(800)], format);
  }
});

test("people are counted by the numbers of their aliases", () => {
  const count = (lot, ...bidders) =>
    bidders.reduce((lot, bidder, at) => happen(lot, placed(at + 2, bidder, bidder, 1_000)), lot)
      .bidder_count;
  assert.equal(count(begin(), "bidder-1", "bidder-2", "bidder-1", "bidder-3"), 3);
  const voided = begin({ bidder_count: 1 }, ["bidder-2", "bidder-1"]);
  assert.equal(count(voided, "bidder-2", "bidder-3"), 2, "the first one's bids are void");
});

test("Buy It Now goes with the first bid, or when the reserve is met", () => {
  const offered = { buy_now_price: usd(9_000) };
  const bid = (seq, reserve) => placed(seq, "bidder-1", "bidder-1", 1_000, { reserve });
  assert.equal(happen(begin(offered), bid(2, "none")).buy_now_price, null);
  const kept = happen(begin(offered), bid(2, "not_met"));
  assert.deepEqual(kept.buy_now_price, usd(9_000));
  assert.equal(happen(kept, bid(3, "met")).buy_now_price, null);
});

test("a bid that is taken back leaves what the log says", () => {
  const leads = begin({ me: "bidder-1", my_max: usd(2_000), leading: true, leader: "bidder-1" });
  const back = (bidder, leader, more) => ({ seq: 2, event: "bid_retracted", time: "t", data: {
    bidder, bid_ids: ["bid_1"], reason: "wrong_amount", price: null, next_minimum: usd(1_000),
    leader, reserve: "none", bid_count: 0, ...more } });
  const all = happen(leads, back("bidder-1", null));
  assert.deepEqual([all.standing, all.my_max, all.price], [null, null, null]);
  const last = happen(leads, back("bidder-1", "bidder-2", { revealed: [{ amount: usd(1_500) }] }));
  assert.deepEqual([last.standing, last.my_max], ["outbid", usd(1_500)]);
  const beaten = begin({ me: "bidder-1", my_max: usd(2_000), leader: "bidder-2" });
  assert.equal(happen(beaten, back("bidder-2", "bidder-1")).standing, "leading");
});

test("the end follows the log, and nothing before a newer word", () => {
  const extended = (seq) => ({ seq, event: "auction_extended", time: "t",
    data: { old_end: "t1", new_end: "t3", cause_seq: seq - 1 } });
  assert.equal(happen(begin(), extended(2)).ends_at, "t3");
  const problem = { seq: 9, price: usd(1_000), next_minimum: usd(1_050), ends_at: "t9" };
  const lot = state.refused(begin(), problem);
  assert.deepEqual([lot.ends_at, happen(lot, extended(3)).ends_at, lot.seq], ["t9", "t9", 1]);
  assert.equal(state.refused(lot, { code: "rate_limited" }), lot);
});

test("a snapshot replaces what is known, and events behind it are passed over", () => {
  const leads = begin({ me: "bidder-1", my_max: usd(2_000), leading: true, leader: "bidder-1" });
  const view = { seq: 8, status: "open", start_price: usd(1_000), price: usd(4_000),
    next_minimum: usd(4_100), bid_count: 5, bidder_count: 3, leader: "bidder-3", reserve: "met",
    buy_now_price: null, increments: LADDER, ends_at: "t8" };
  const lot = state.viewed(leads, view);
  assert.deepEqual(stands(lot), ["outbid", "bidder-1", "bidder-3", 4_000, 8]);
  assert.deepEqual([lot.reserve, lot.bidder_count, lot.ends_at], ["met", 3, "t8"]);
  assert.equal(happen(lot, placed(8, "bidder-9", "bidder-9", 1)), lot);
});

test("an alias is learned from a log that is read later", () => {
  const view = { seq: 3, status: "open", start_price: usd(1_000), price: usd(5_100),
    next_minimum: usd(5_200), bid_count: 2, bidder_count: 2, leader: "bidder-2", reserve: "none",
    buy_now_price: null, increments: LADDER, ends_at: "t1" };
  const lost = state.viewed(state.answered(begin(), reply(2, "leading", 1_000), usd(5_000)), view);
  const lot = state.learned(lost, placed(2, "bidder-1", "bidder-1", 1_000));
  assert.deepEqual([lot.me, lot.standing], ["bidder-1", "outbid"]);
});

test("an end leaves the result", () => {
  const closed = { seq: 2, event: "auction_closed", time: "t",
    data: { result: { outcome: "sold", hammer_price: usd(700) } } };
  const lot = happen(begin({ buy_now_price: usd(9) }), closed);
  assert.deepEqual([lot.status, lot.price, lot.next_minimum, lot.buy_now_price],
    ["sold", usd(700), null, null]);
});

test("what is new is passed over", () => {
  const lot = happen(begin(), { seq: 2, event: "auction_painted", time: "t", data: {} });
  assert.deepEqual([lot.seq, lot.status], [2, "open"]);
});

test("quick amounts climb the ladder", () => {
  assert.deepEqual(state.quick(begin({ next_minimum: usd(2_450) })),
    ["24.50", "25.00", "26.00", "27.00"]);
  assert.deepEqual(state.quick(begin({ next_minimum: usd(100), increments: [] })), ["1.00"]);
  assert.deepEqual(state.quick(begin({ next_minimum: null })), []);
  assert.deepEqual(state.quick(begin({ format: "dutch" })), []);
});
