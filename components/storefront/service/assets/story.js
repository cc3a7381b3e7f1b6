// The list of bids and the chart, from the public log. An event may come twice, live and by a page
// of the log, and in any order: each has its place by its number.
// @ts-check

import { draw } from "./chart.js";
import { instant } from "./clock.js";
import { byId, make, put } from "./dom.js";
import { format } from "./money.js";

/** @import { Happened, Lot, Money, Point } from "./types.js" */

export class Story {
  #list = byId("history");
  #figure = byId("chart");
  #id;
  #exponent;
  #currency;
  #me;
  /** The newest event that is told here. */
  seq;
  /** @type {Map<number, Point>} */
  #points = new Map();
  #isDrawing = false;

  /** @param {Lot} lot */
  constructor({ id, seq, exponent, me, start_price }) {
    this.#id = id;
    this.seq = seq;
    this.#exponent = exponent;
    this.#currency = start_price.currency;
    this.#me = me;
  }

  /** The aliases that the server showed. @returns {string[]} */
  static aliases() {
    const names = document.querySelectorAll("#history li > span:first-child");
    return [...names].map((name) => (name.textContent ?? "").split(" ")[0]);
  }

  /** Tells an event. @param {Happened} happened */
  take({ seq, event, time, data }) {
    this.seq = Math.max(this.seq, seq);
    if (event === "bid_placed") this.#placed(seq, time, data);
    if (event === "bid_retracted") this.#retracted(data);
    for (const { bid_id, amount } of data.revealed ?? []) this.#show(bid_id, amount);
    if (event === "bids_revealed") {
      for (const { bid_id, amount } of data.bids) this.#show(bid_id, amount);
    }
    if (event === "bid_placed" || event === "bid_retracted") this.#point(seq, time, data.price);
  }

  /** The visitor is known now. @param {string | null} alias */
  knows(alias) {
    if (this.#me === alias || !alias) return;
    this.#me = alias;
    for (const item of this.#items()) {
      if (item.dataset.bidder === alias) put(item.firstElementChild, this.#name(alias));
    }
  }

  /** Reads the log behind an event; each one is told here and to `also`.
   * @param {number} after @param {(happened: Happened) => void} [also] */
  async read(after, also) {
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const address = `/v1/auctions/${this.#id}/events?after=${after}&limit=${PAGE_MAX}`;
      const answer = await fetch(address, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      const { items } = await answer.json();
      for (const happened of items) {
        this.take(happened);
        also?.(happened);
      }
      if (items.length < PAGE_MAX) return;
      after = items[items.length - 1].seq;
    }
  }

  /** @returns {HTMLElement[]} */
  #items() {
    return /** @type {HTMLElement[]} */ ([...(this.#list?.children ?? [])]);
  }

  /** @param {string} bid */
  #item(bid) {
    return this.#items().find((item) => item.dataset.bid === bid);
  }

  /** @param {number} seq @param {string} time @param {any} data */
  #placed(seq, time, data) {
    byId("no-bids")?.remove();
    const item = this.#item(data.bid_id) ?? this.#bid(time, data);
    if (item.dataset.seq === String(seq)) return;
    item.dataset.seq = String(seq);
    const older = this.#items().find((other) => Number(other.dataset.seq ?? 0) < seq);
    this.#list?.insertBefore(item, older ?? null);
    this.#items().slice(ITEMS_MAX).forEach((last) => last.remove());
  }

  /** As room.html writes it. @param {string} time @param {any} data */
  #bid(time, { bid_id, bidder, amount, quantity, price }) {
    const units = quantity === undefined ? "" : ` × ${quantity}`;
    const what = amount ? this.#money(amount) : "hidden";
    const when = make("time", "quiet", instant(time));
    when.setAttribute("datetime", time);
    const item = make("li", "", make("span", "", this.#name(bidder)), " ");
    item.append(make("span", "", what + units), " ");
    if (price) item.append(make("span", "quiet", `price ${this.#money(price)}`), " ");
    item.append(when);
    Object.assign(item.dataset, { bid: bid_id, bidder });
    return item;
  }

  /** @param {any} data */
  #retracted({ bid_ids, reason }) {
    for (const bid of bid_ids) {
      const item = this.#item(bid);
      if (!item || item.classList.contains("void")) continue;
      item.classList.add("void");
      item.append(" ", make("em", "", reason.replaceAll("_", " ")));
    }
  }

  /** An amount that was hidden. @param {string} bid @param {Money} amount */
  #show(bid, amount) {
    const what = this.#item(bid)?.children[1];
    if (what) put(what, (what.textContent ?? "").replace(/^hidden/, this.#money(amount)));
  }

  /** @param {number} seq @param {string} time @param {Money | null} price */
  #point(seq, time, price) {
    if (!price) return;
    this.#points.set(seq, { at: Date.parse(time), price: price.amount });
    if (this.#isDrawing || !this.#figure) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isDrawing = false;
    const points = [...this.#points].sort(([a], [b]) => a - b).map(([, point]) => point);
    const how = { exponent: this.#exponent, currency: this.#currency };
    if (this.#figure) draw(this.#figure, points, how);
  }

  /** @param {string} alias */
  #name(alias) {
    return alias === this.#me ? `${alias} (you)` : alias;
  }

  /** @param {Money} money */
  #money(money) {
    return format(money, this.#exponent);
  }
}

/** As far back as a page reads. */
export const EVENTS_MAX = 500;
const PAGE_MAX = 100;
const PAGES_MAX = EVENTS_MAX / PAGE_MAX + 1;
const ITEMS_MAX = 100;
