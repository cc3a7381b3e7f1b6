// Where the visitor stands, in words. They change when the server's word does and not with every
// price, so that a screen reader says what matters once.
// @ts-check

import { byId, make } from "./dom.js";
import { format } from "./money.js";
import { isSealed } from "./state.js";

/** @import { Lot, Word } from "./types.js" */

/** Shows it, where it is not what was shown before. @param {Lot} before @param {Lot} lot */
export function showStanding(before, lot) {
  const place = byId("standing");
  if (!place || key(before) === key(lot)) return;
  // Of what stays nothing is said again, and the form below does not move.
  place.setAttribute("aria-atomic", "false");
  const why = lot.word ? reason(lot.word) : null;
  for (const child of [...place.children]) if (child !== why) child.remove();
  if (lot.standing) place.prepend(block(lot));
  if (why && !why.isConnected) place.append(why);
}

/** @param {Lot} lot */
function key(lot) {
  return JSON.stringify([lot.standing, lot.my_max?.amount, headline(lot), lot.word?.seq]);
}

/** What was said about the visitor's bid, as long as nothing newer is known. @param {Lot} lot */
function headline({ word, stoodAt, standing }) {
  return word && word.seq >= stoodAt ? REPLIES[word.outcome] : HEADLINES[standing ?? ""];
}

/** @param {Lot} lot */
function block(lot) {
  const { standing, my_max, exponent } = lot;
  const shown = make("p", standing === "outbid" ? "bad" : "good");
  shown.append(make("strong", "", headline(lot)));
  if (!my_max || standing === "won") return shown;
  const what = isSealed(lot.format) ? "bid" : lot.format === "reverse" ? "ask" : "most";
  shown.append(` Your ${what}: ${format(my_max, exponent)}.`);
  return shown;
}

/** Why the price became what it did by the visitor's bid. @param {Word} word */
function reason({ seq, explanation: { rule, text } }) {
  const shown = byId(`why-${seq}`);
  if (shown) return shown;
  const made = make("div", "quiet", `When you bid: ${text} `, make("small", "", `Rule ${rule}`));
  made.id = `why-${seq}`;
  return made;
}

/** @type {Record<string, string>} */
const HEADLINES = {
  leading: "You lead.", outbid: "You are outbid.", in: "Your bid is in.", won: "You won.",
};
/** @type {Record<string, string>} */
const REPLIES = {
  leading: "You lead.", outbid: "Somebody had said more: you are outbid.",
  accepted: "Your bid stands.", won: "You won.",
};
