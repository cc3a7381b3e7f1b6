// The auction room: follows the auction and shows what the server says of it. Whether the visitor
// leads, whether it is over, what a bid costs is never worked out here.
// @ts-check

import { BidForm, post } from "./bid.js";
import { clockPrice, countdown, instant, left, PageClock, Ticker } from "./clock.js";
import { byId, link, make, put } from "./dom.js";
import { watch } from "./ecomauction.js";
import { format } from "./money.js";
import { keep, restore } from "./receipt.js";
import { showStanding } from "./standing.js";
import {
  answered, begin, follow, isSealed, learned, least, outbid, refused, viewed,
} from "./state.js";
import { EVENTS_MAX, Story } from "./story.js";

/** @import { Happened, Lot, Money } from "./types.js" */

const room = /** @type {HTMLElement} */ (byId("room"));
// A refusal is over once the room moves on.
const title = document.title.replace(/^Error: /, "");
/** @type {Lot} */
let lot = begin(JSON.parse(byId("state")?.textContent ?? ""), Story.aliases());
let shown = lot;
const begun = lot.status;
// After a form was sent the address is the form's.
const address = `/auctions/${lot.id}`;
const pageClock = new PageClock(lot.server_time);
const story = new Story(lot);
const spoken = region("hidden");
const news = region("news");
let isSignedIn = room.dataset.signedIn !== undefined;
let wasLost = false;
let isLeaving = false;
let outage = 0;
const bidForm = formToBid();
const live = watch({ server: location.origin, auction: lot.id, signIn });

/** What opens the socket as this visitor's. Who is not signed in any more still may watch. */
async function signIn() {
  if (!isSignedIn) return undefined;
  const fields = new URLSearchParams({ form_token: room.dataset.formToken ?? "" });
  const { status, body } = await post(`${address}/ticket`, fields);
  if (status === 401 || status === 403) isSignedIn = false;
  return status === 201 ? { ticket: String(body.ticket) } : undefined;
}

function formToBid() {
  const form = byId("bid");
  if (!(form instanceof HTMLFormElement)) return null;
  return new BidForm(form, {
    lot: () => lot,
    onTaken(reply, amount) {
      keep(lot.id, reply.receipt);
      move(answered(lot, reply, amount));
    },
    onRefused: (problem) => move(refused(lot, problem ?? {})),
  });
}

/** Where something is said: there before it says anything, or nobody hears it, and below the form,
 * which does not move under a finger. @param {string} className */
function region(className) {
  const line = make("p", className);
  line.setAttribute("role", "status");
  byId("connection")?.before(line);
  return line;
}

/** The server's time. */
function now() {
  return live.now ?? pageClock.now;
}

async function run() {
  for await (const update of live) {
    if (update.kind === "hello") greet(update);
    else if (update.kind === "event") take(update);
    else if (update.kind === "outbid") move(outbid(lot, update));
    else if (update.kind === "lost") lose();
    else if (update.kind === "ended") end(update.why);
  }
}

/** @param {{ resumed: boolean, seq: number, auction: any }} hello */
function greet({ resumed, seq, auction }) {
  connection(wasLost ? "Live again" : "Live");
  wasLost = false;
  if (resumed) return;
  const missed = story.seq;
  if (seq > missed) read(missed);
  move(viewed(lot, auction));
  if (auction.status !== begun) settle(auction.status === "open" ? "It begins." : "It is over.");
}

function lose() {
  wasLost = true;
  connection("Connection lost, trying again…");
}

/** @param {string} why */
function end(why) {
  if (!isLeaving) connection(`Not live any more: ${why}. Load the page again to see newer bids.`);
}

/** @param {string} text */
function connection(text) {
  const line = byId("connection");
  put(line, text);
  // That it is lost or found again is worth a word; that it works from the beginning is not.
  line?.setAttribute("role", "status");
}

/** @param {Happened} happened */
function take(happened) {
  const { event, data, time, seq } = happened;
  story.take(happened);
  move(follow(lot, happened));
  TELLING[event]?.(data, time, seq);
}

/** @type {Record<string, (data: any, time: string, seq: number) => void>} */
const TELLING = {
  outage_declared(_data, _time, seq) {
    outage = seq;
  },
  auction_extended({ new_end, cause_seq }) {
    const why = cause_seq === outage ? "the platform was away" : "of a late bid";
    tell(`The end moved to ${instant(new_end)} because ${why}.`);
  },
  bid_retracted({ bidder }) {
    tell(bidder === lot.me ? "Your bid was taken back." : "A bid was taken back.");
    recount();
  },
  max_lowered({ bidder }) {
    if (bidder !== lot.me) return;
    tell("Your most was cut to just below the new reserve (B3.4): bid again to meet it.");
  },
  reserve_lowered: () => tell("The seller lowered the reserve."),
  auction_changed(terms) {
    put(room.querySelector("h1"), terms.title);
    tell("The seller changed the terms.", true);
  },
  pictures_changed: () => tell("The seller changed the pictures.", true),
  description_added({ text }, time) {
    room.querySelector(".description")?.append(make("p", "", `Added ${time}: ${text}`));
    tell("The seller added to the description.");
  },
  bidder_blocked({ bidder }) {
    if (bidder && bidder === lot.me) tell("The seller takes no more bids of yours.");
  },
  auction_opened: () => settle("It begins."),
  auction_closed({ result: { outcome, hammer_price } }) {
    const price = hammer_price ? ` for ${money(hammer_price)}` : "";
    settle(outcome === "sold" ? `It is over: sold${price}.` : "It is over: not sold.");
  },
  auction_cancelled: () => settle("The seller cancelled this auction."),
};

/** A sentence about what happened; perhaps with an offer to load the page again.
 * @param {string} text @param {boolean} [isStale] */
function tell(text, isStale = false) {
  news.replaceChildren(text, ...(isStale ? [" ", link(address, "Load the page again")] : []));
}

/** The page is another one now, which the server makes; unless somebody would lose what they write.
 * @param {string} text */
function settle(text) {
  if (isLeaving) return;
  isLeaving = true;
  tell(text);
  const go = () => (isWriting() ? tell(text, true) : location.replace(address));
  // Everybody is told at once; not everybody has to ask at once.
  setTimeout(go, SPREAD_MS * (0.5 + Math.random()));
}

/** Is something being written that is no bid? */
function isWriting() {
  const field = document.activeElement;
  const isField = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement;
  return isField && field.value !== "" && !byId("bid")?.contains(field);
}

/** How many people bid is the one thing that no event of a retraction says. */
function recount() {
  const ask = async () => {
    const answer = await fetch(`/v1${address}`, { headers: { accept: "application/json" } });
    const view = await answer.json();
    if (view.seq === lot.seq) move({ ...lot, bidder_count: view.bidder_count });
  };
  setTimeout(() => ask().catch(() => {}), Math.random() * SPREAD_MS);
}

/** What the log tells of the past. @param {number} after */
function read(after) {
  const also = (/** @type {Happened} */ happened) => {
    const next = learned(lot, happened);
    if (next !== lot) move(next);
  };
  story.read(after, also).catch(() => {});
}

/** @param {Money} amount */
function money(amount) {
  return format(amount, lot.exponent);
}

/** Shows what is known from now on. @param {Lot} next */
function move(next) {
  lot = next;
  const { price, start_price, leader, me, status } = lot;
  const bound = least(lot) ?? lot.next_maximum;
  const isOver = status !== "open" && status !== "scheduled";
  if (lot.format !== "dutch" || isOver) showPrice(price ?? start_price);
  if (!isSealed(lot.format) && lot.format !== "dutch") {
    put(byId("price-label"), isOver ? "Final price" : price ? "Price" : "Starts at");
  }
  if (bound && lot.format !== "dutch") put(byId("minimum"), money(bound));
  put(byId("count"), String(lot.bid_count));
  put(byId("bidders"), String(lot.bidder_count));
  put(byId("reserve"), lot.reserve.replaceAll("_", " "));
  put(byId("leader"), leader ? `${leader}${leader === me ? " (you)" : ""}` : "nobody");
  if (lot.ends_at !== shown.ends_at) showEnd();
  if (!lot.buy_now_price) room.querySelector("form.buy")?.remove();
  story.knows(me);
  showStanding(shown, lot);
  bidForm?.show(isOver);
  shown = lot;
}

/** @param {Money} price */
function showPrice(price) {
  put(byId("price"), money(price));
  const warning = lot.standing === "outbid" && lot.status === "open" ? "Outbid! " : "";
  const before = lot.price || lot.format === "dutch" ? `${money(price)} · ` : "";
  const text = warning + before + title;
  if (document.title !== text) document.title = text;
}

function showEnd() {
  const time = byId("left");
  time?.setAttribute("datetime", lot.ends_at);
  time?.setAttribute("title", instant(lot.ends_at));
  put(byId("end"), instant(lot.ends_at));
}

function tick() {
  const at = now();
  const time = byId("left");
  if (lot.status === "scheduled" && time) put(time, left(Date.parse(lot.starts_at) - at));
  if (lot.status !== "open") return;
  const ms = Date.parse(lot.ends_at) - at;
  if (time) countdown(time, ms);
  const [, warning = ""] = WARNINGS.find(([most]) => ms > 0 && ms <= most) ?? [];
  put(spoken, warning);
  if (lot.dutch) showPrice(falling(lot.dutch, at));
}

/** @param {NonNullable<Lot["dutch"]>} dutch @param {number} at */
function falling({ floor_price, decrement, tick_seconds }, at) {
  const { amount: start, currency } = lot.start_price;
  const [floor, startsAt] = [floor_price.amount, Date.parse(lot.starts_at)];
  const clock = { start, floor, decrement: decrement.amount, tickSeconds: tick_seconds, startsAt };
  const price = { amount: clockPrice(clock, at), currency };
  put(byId("minimum"), money(price));
  if (lot.next_minimum?.amount !== price.amount) {
    lot = { ...lot, next_minimum: price };
    bidForm?.show(false);
  }
  return price;
}

/** Begins what moves. */
function start() {
  restore(lot.id);
  // A price that falls by itself is not read out at each step.
  if (lot.dutch) byId("price")?.setAttribute("aria-live", "off");
  if (begun === "scheduled") {
    const time = make("time");
    time.id = "left";
    byId("time-left")?.append(" · in ", time);
  }
  new Ticker(TICK_MS).add(tick);
  bidForm?.show(false);
  run();
  // The past can wait until the page stands.
  const past = () => read(Math.max(0, lot.seq - EVENTS_MAX));
  if ("requestIdleCallback" in globalThis) requestIdleCallback(past);
  else setTimeout(past, SPREAD_MS);
  addEventListener("pagehide", () => {
    isLeaving = true;
    live.close();
  });
  // A page that comes back out of the browser's memory has stopped to follow.
  addEventListener("pageshow", ({ persisted }) => persisted && location.replace(address));
}

/** Said to who cannot see the countdown; the shortest first.
 * @type {[number, string][]} */
const WARNINGS = [[10_000, "Less than ten seconds left."], [60_000, "Less than a minute left."]];
const TICK_MS = 250;
const SPREAD_MS = 1_500;

start();
