// What a page knows of an auction, and how each word of the server moves it on. There is no
// document here and no clock, and nothing is decided: who leads is what the server said last.
//
// Words come on two ways, replies by HTTP and events by the socket, and overtake each other. Prices
// (`told`), leaders (`led`) and the visitor's standing (`stoodAt`) each keep the number of the
// event that they are of, and an older word does not replace a newer one.
// @ts-check

import { typed } from "./money.js";

/** @import { Happened, Lot, Money, Standing } from "./types.js" */

/** What the server put into the page. @param {any} state @param {string[]} aliases that stand there
 * @returns {Lot} */
export function begin(state, aliases = []) {
  const { seq, bidder_count, leader, me } = state;
  const numbers = [leader, me, ...aliases].map(numberOf);
  const highest = Math.max(bidder_count, ...numbers);
  const known = { told: seq, led: seq, stoodAt: seq, word: null, mine: null, recent: [], highest };
  return { ...state, ...known, standing: first(state) };
}

/** @param {any} state @returns {Standing} */
function first(state) {
  if (!state.my_max) return null;
  if (!hasLeader(state)) return "in";
  return state.leading ? "leading" : "outbid";
}

/** Follows an event of the log. @param {Lot} lot @param {Happened} happened @returns {Lot} */
export function follow(lot, { seq, event, data }) {
  if (seq <= lot.seq) return lot;
  const change = CHANGES[event]?.({ ...lot, seq }, data, seq) ?? {};
  return { ...lot, seq, ...change };
}

/** The view of a new connection replaces what was known. @param {Lot} lot @param {any} view
 * @returns {Lot} */
export function viewed(lot, view) {
  const { seq, status, start_price, bid_count, bidder_count, leader, increments } = view;
  const terms = { status, start_price, increments, dutch: view.dutch ?? null };
  const counts = { bid_count, bidder_count, highest: Math.max(lot.highest, bidder_count) };
  const next = { ...lot, seq, ...terms, ...counts, leader, led: seq, ...facts(lot, view, seq) };
  next.buy_now_price = view.buy_now_price;
  return { ...next, ...stand(next, seq, false) };
}

/** The visitor's bid was taken. @param {Lot} lot @param {any} reply @param {Money} amount
 * @returns {Lot} */
export function answered(lot, reply, amount) {
  const { seq, outcome, explanation } = reply;
  const me = lot.me ?? lot.recent.find(([at]) => at === seq)?.[1] ?? null;
  const said = { me, mine: seq, my_max: amount, word: { seq, outcome, explanation } };
  const next = { ...lot, ...facts(lot, reply, seq), ...said };
  // An answer that comes late, or again, does not know who bid since.
  if (lot.led > seq && me && hasLeader(lot)) return { ...next, ...stand(next, lot.led, true) };
  return { ...next, standing: OUTCOMES[outcome] ?? null, stoodAt: seq };
}

/** The private word that the lead is lost. @param {Lot} lot @param {any} frame @returns {Lot} */
export function outbid(lot, frame) {
  if (frame.seq < lot.stoodAt) return lot;
  const next = { ...lot, ...facts(lot, frame, frame.seq) };
  return { ...next, standing: "outbid", stoodAt: frame.seq };
}

/** A refusal tells the current facts. @param {Lot} lot @param {any} problem @returns {Lot} */
export function refused(lot, problem) {
  if (typeof problem.seq !== "number" || problem.next_minimum === undefined) return lot;
  return { ...lot, ...facts(lot, problem, problem.seq) };
}

/** An event that was missed may tell who the visitor is. @param {Lot} lot
 * @param {Happened} happened @returns {Lot} */
export function learned(lot, { seq, event, data }) {
  if (lot.me || event !== "bid_placed" || seq !== lot.mine) return lot;
  const next = { ...lot, me: data.bidder };
  return { ...next, ...stand(next, lot.led, true) };
}

/** The least that is taken of this visitor: whoever leads says more than before (B2.1).
 * @param {Lot} lot @returns {Lot["next_minimum"]} */
export function least({ format, standing, my_max, next_minimum }) {
  const leads = format === "english" && standing === "leading" && my_max && next_minimum;
  return leads ? { ...my_max, amount: my_max.amount + 1 } : next_minimum;
}

/** Amounts to tap on, as the server makes them (room/steps.rs). @param {Lot} lot */
export function quick(lot) {
  const first = least(lot);
  if (lot.format === "dutch" || !first) return [];
  const amounts = [];
  for (let at = first.amount; amounts.length < 4; ) {
    if (!Number.isSafeInteger(at)) break;
    amounts.push(typed(at, lot.exponent));
    const band = lot.increments.findLast(({ from }) => from <= at) ?? lot.increments[0];
    if (!band) break;
    at += band.step;
  }
  return amounts;
}

/** @param {string} format */
export function isSealed(format) {
  return ["sealed_first_price", "vickrey", "uniform_price"].includes(format);
}

/** Are there a leader and others that it can lose the lead to? @param {Lot} lot */
function hasLeader(lot) {
  return !isSealed(lot.format) && lot.format !== "dutch";
}

/** Prices, unless newer ones are known. @param {Lot} lot @param {any} told @param {number} seq */
function facts(lot, told, seq) {
  if (seq < lot.told) return {};
  const { price, next_minimum, next_maximum, reserve, ends_at } = told;
  return {
    told: seq,
    price: price ?? null,
    next_minimum: next_minimum ?? null,
    next_maximum: next_maximum ?? null,
    reserve: reserve ?? lot.reserve,
    ends_at: ends_at ?? lot.ends_at,
  };
}

/** Where the visitor stands by who leads. @param {Lot} lot @param {number} seq
 * @param {boolean} isMine the visitor's own bid says so
 * @returns {Partial<Lot>} */
function stand(lot, seq, isMine) {
  if (seq < lot.stoodAt || !lot.me || !hasLeader(lot) || lot.status !== "open") return {};
  if (lot.leader === lot.me) return { standing: "leading", stoodAt: seq };
  const bids = isMine || lot.standing === "leading" || lot.standing === "outbid";
  return bids ? { standing: "outbid", stoodAt: seq } : {};
}

/** @param {string | null} alias */
function numberOf(alias) {
  return Number(/^bidder-(\d+)$/.exec(alias ?? "")?.[1] ?? 0);
}

/** @type {Record<string, (lot: Lot, data: any, seq: number) => Partial<Lot>>} */
const CHANGES = {
  bid_placed(lot, data, seq) {
    const { bidder, bid_count } = data;
    const number = numberOf(bidder);
    const me = lot.me ?? (lot.mine === seq ? bidder : null);
    // Where units are many nobody leads alone.
    const leader = "quantity" in data || isSealed(lot.format) ? null : data.leader;
    const next = { ...lot, ...facts(lot, data, seq), me, leader, led: seq, bid_count };
    next.bidder_count += number > lot.highest ? 1 : 0;
    next.highest = Math.max(lot.highest, number);
    next.recent = [...lot.recent.slice(1 - RECENT_MAX), [seq, bidder]];
    // Buy It Now goes with the first bid, or when the reserve is met (B4.2), and never comes back.
    if (data.reserve !== "not_met") next.buy_now_price = null;
    // What the visitor bids elsewhere is not known here.
    if (me === bidder && lot.mine !== seq) next.my_max = data.amount;
    return { ...next, ...stand(next, seq, me === bidder) };
  },
  bid_retracted(lot, data, seq) {
    const { bidder, bid_count, leader, revealed = [] } = data;
    const next = { ...lot, ...facts(lot, data, seq), bid_count, leader, led: seq };
    if (bidder !== lot.me) return { ...next, ...stand(next, seq, false) };
    next.my_max = revealed[0]?.amount ?? null;
    const behind = hasLeader(lot) ? "outbid" : "in";
    const standing = leader === lot.me ? "leading" : revealed.length > 0 ? behind : null;
    return { ...next, standing, stoodAt: seq };
  },
  max_lowered: (lot, { bidder }) => (bidder === lot.me ? { my_max: null } : {}),
  auction_extended: (lot, { new_end }, seq) => (seq < lot.told ? {} : { ends_at: new_end }),
  auction_opened: () => ({ status: "open" }),
  auction_changed(lot, data) {
    const { start_price, buy_now_price, reserve, increments, starts_at, ends_at } = data;
    return {
      start_price, buy_now_price, reserve, increments, starts_at, ends_at,
      dutch: data.dutch ?? null,
      // Terms change before the first bid only.
      next_minimum: lot.next_minimum && start_price,
      next_maximum: lot.next_maximum && start_price,
    };
  },
  auction_closed: (lot, { result }) => over(lot, result),
  auction_cancelled: (lot, { result }) => over(lot, result),
};

/** @param {Lot} lot @param {any} result */
function over(lot, result) {
  const closed = { next_minimum: null, next_maximum: null, buy_now_price: null };
  return { status: result.outcome, price: result.hammer_price ?? lot.price, ...closed };
}

/** @type {Record<string, Standing>} */
const OUTCOMES = { leading: "leading", outbid: "outbid", accepted: "in", won: "won" };
const RECENT_MAX = 100;
