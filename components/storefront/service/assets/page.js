// Lists: what is left of each auction moves, and what ends soon is asked for again, because late
// bids move ends.
// @ts-check

import { countdown, instant, PageClock, Ticker } from "./clock.js";
import { byId, put } from "./dom.js";
import { format } from "./money.js";

/** @typedef {{ time: HTMLElement, end: number, id: string, due: number }} Row An auction in a list:
 *   its end, and when to ask about it again. */

function start() {
  const times = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("time[data-end]")]);
  const rows = times.map(row);
  const [first] = rows;
  if (first) {
    const clock = new PageClock(first.time.dataset.now ?? "");
    new Ticker(1_000).add(() => rows.forEach((row) => move(row, clock)));
  }
  // An auction that is over has no script of its own.
  const { auction } = byId("room")?.dataset ?? {};
  if (auction) import("./receipt.js").then(({ restore }) => restore(auction));
}

/** @param {HTMLElement} time @returns {Row} */
function row(time) {
  const address = time.closest(".card")?.querySelector("a")?.getAttribute("href") ?? "";
  const end = Date.parse(time.dataset.end ?? "");
  return { time, end, id: /^\/auctions\/(auc_\w+)$/.exec(address)?.[1] ?? "", due: 0 };
}

/** @param {Row} row @param {PageClock} clock */
function move(row, clock) {
  const left = row.end - clock.now;
  countdown(row.time, left);
  if (!row.due) row.due = after(left);
  if (!row.id || left > SOON_MS || performance.now() < row.due) return;
  row.due = after(left);
  ask(row, clock).catch(() => {});
}

/** When to ask next: every now and then, and at the end; there everybody asks, so not all in one
 * instant. @param {number} left */
function after(left) {
  const pause = left > 0 ? Math.min(left, AGAIN_MS) : AGAIN_MS;
  return performance.now() + pause + Math.random() * SPREAD_MS;
}

/** @param {Row} row @param {PageClock} clock */
async function ask(row, clock) {
  const asked = performance.now();
  const answer = await fetch(`/v1/auctions/${row.id}`, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const view = await answer.json();
  clock.take(view.server_time, asked);
  row.end = Date.parse(view.ends_at);
  row.time.dataset.end = view.ends_at;
  row.time.title = instant(view.ends_at);
  show(row, view);
}

/** As cards.html writes it; an amount is in two decimals or whatever the card shows.
 * @param {Row} row @param {any} view */
function show(row, view) {
  const card = row.time.closest(".card");
  const price = card?.querySelector(".price") ?? null;
  const { status, result, bid_count } = view;
  const amount = result ? result.hammer_price : view.price;
  const shown = amount && format(amount, exponentOf(price));
  const bids = `${bid_count} ${bid_count === 1 ? "bid" : "bids"} · `;
  const before = row.time.previousSibling;
  const standing = card?.querySelector("b.good, b.bad");
  if (status !== "open") {
    const ending = status === "sold" && shown ? `Sold for ${shown}` : ENDINGS[status];
    put(price, ending ?? "Over");
    put(row.time.parentElement, `${bids}ended ${instant(view.ends_at)}`);
    standing?.remove();
    row.id = "";
  } else if (before && parseInt(before.nodeValue ?? "", 10) !== bid_count) {
    if (shown) put(price, shown);
    before.nodeValue = bids;
    // Whose bid that was is not said here.
    standing?.replaceWith("Somebody bid since: look again.");
  }
}

/** How many decimals the server wrote. @param {Element | null} price */
function exponentOf(price) {
  return /\.(\d+)/.exec(price?.textContent ?? "")?.[1].length ?? 0;
}

/** @type {Record<string, string>} */
const ENDINGS = { sold: "Sold", unsold: "Not sold", cancelled: "Cancelled" };
const SOON_MS = 120_000;
const AGAIN_MS = 15_000;
const SPREAD_MS = 1_000;

start();
