// Where the visitor stands, in words. They change when the server's word does and not with every
// price, so that a screen reader says what matters once.
// @ts-check

import { byId, make } from "./dom.js";
import { format } from "./money.js";
import { isSealed } from "./state.js";

/** @typedef {import("./state.js").Lot} Lot */

/** Shows it, where it is not what was shown before. @param {Lot} before @param {Lot} lot */
export function showStanding(before, lot) {
  if (key(before) === key(lot)) return;
  const word = said(lot);
  byId("standing")?.replaceChildren(...(lot.standing ? [block(lot, word)] : []));
}

/** @param {Lot} lot */
function key(lot) {
  return JSON.stringify([lot.standing, lot.my_max?.amount, said(lot)?.seq]);
}

/** What was said about the visitor's bid, as long as nothing newer is known. @param {Lot} lot */
function said({ word, stoodAt }) {
  return word && word.seq >= stoodAt ? word : null;
}

/** @param {Lot} lot @param {import("./state.js").Word | null} word */
function block({ standing, my_max, format: kind, exponent }, word) {
  const headline = word ? REPLIES[word.outcome] : HEADLINES[standing ?? ""];
  const shown = make("p", standing === "outbid" ? "bad" : "good", make("strong", "", headline));
  if (word) {
    shown.append(` ${word.explanation.text} `);
    shown.append(make("small", "quiet", `Rule ${word.explanation.rule}`), " ");
  }
  if (my_max && standing !== "won") {
    const what = isSealed(kind) ? "bid" : kind === "reverse" ? "ask" : "most";
    shown.append(` Your ${what}: ${format(my_max, exponent)}.`);
  }
  return shown;
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
