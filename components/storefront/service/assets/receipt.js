// The receipt of the visitor's last bid. It is kept for as long as the tab is, so that the page may
// load itself again when the auction ends; the chain in it covers all bids before it.
// @ts-check

import { byId, make } from "./dom.js";

/** @typedef {{ seq: number }} Receipt And what the server signed; it is shown as it came. */

/** Keeps and shows a receipt. @param {string} auction @param {Receipt} receipt */
export function keep(auction, receipt) {
  store(auction, JSON.stringify(receipt));
  show(auction, receipt);
}

/** Shows the receipt that was kept; the server's own, if it shows one, is the newest. In a room
 * where nobody is signed in all receipts go: who uses the tab next is perhaps somebody else.
 * @param {string} auction */
export function restore(auction) {
  if (byId("room")?.dataset.signedIn === undefined) return forget();
  const shown = document.querySelector("#standing details");
  const text = shown?.querySelector("pre")?.textContent ?? stored(auction);
  if (!text) return;
  if (shown) store(auction, text);
  show(auction, JSON.parse(text));
}

/** @param {string} auction @param {Receipt} receipt */
function show(auction, receipt) {
  // Beside what is read out whenever it changes, not in it.
  document.querySelector("#standing details")?.remove();
  byId("receipt")?.remove();
  const event = `event ${receipt.seq} of this auction`;
  const about = `With this anybody can check that your bid was ${event}.`;
  const text = JSON.stringify({ auction_id: auction, ...receipt }, null, 2);
  const details = make("details", "", make("summary", "", "Your receipt"));
  details.id = "receipt";
  details.append(make("p", "", about), make("pre", "", text));
  byId("standing")?.after(details);
}

// A browser may forbid to keep anything: then the page shows what it got, and that is all.

/** @param {string} auction @param {string} text */
function store(auction, text) {
  try {
    sessionStorage.setItem(PREFIX + auction, text);
  } catch {
    return;
  }
}

function forget() {
  try {
    const kept = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
    kept.forEach((name) => sessionStorage.removeItem(name));
  } catch {
    return;
  }
}

/** What was kept, as text. @param {string} auction */
export function stored(auction) {
  try {
    return sessionStorage.getItem(PREFIX + auction);
  } catch {
    return null;
  }
}

const PREFIX = "receipt ";
