// The sandbox: reads the form, has an auction played by the module and shows how it went. Texts of
// people stay texts; every word about a rule is the machine's.
// @ts-check

import { draw } from "./chart.js";
import { byId, make, put } from "./dom.js";
import { format, parse } from "./money.js";
import { PRESETS, USUAL } from "./presets.js";
import { load } from "./verifier.mjs";

/** @typedef {import("./money.js").Money} Money */
/** @typedef {{ rule: string, text: string }} Explanation */
/** @typedef {{ seq: number, event: string, at_ms: number, data: any }} Told */
/** @typedef {{ at_ms: number, who: string | null, did: string, amount: Money | null,
 *   verdict: string, outcome?: string, explanation?: Explanation,
 *   refusal?: { code: string, detail: string }, events: Told[],
 *   after: { price: Money | null, leader: string | null } }} Entry */
/** @typedef {{ format: string, people: Record<string, string>, timeline: Entry[], result: any,
 *   points: { at_ms: number, amount: number }[], ends_at_ms: number,
 *   rules: { rule: string, title: string, text: string }[] }} Story */

const form = /** @type {HTMLFormElement} */ (byId("sandbox"));
const rows = /** @type {HTMLElement} */ (byId("bidders"));
/** @type {Promise<(request: object) => any> | undefined} */
let simulator;

form.hidden = false;
form.addEventListener("change", fit);
form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  play();
});
byId("add")?.addEventListener("click", () => {
  add("", "proxy", "", "").querySelector("input")?.focus();
  fit();
});
byId("presets")?.addEventListener("click", ({ target }) => {
  const { preset } = /** @type {HTMLElement} */ (target).dataset;
  if (!preset) return;
  fill(PRESETS[preset]);
  play();
});
fill(PRESETS.proxy);

/** What is wrong with the form, and where. */
class Wrong extends Error {
  /** @param {string} message @param {HTMLElement} [field] */
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function play() {
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  try {
    const wanted = request();
    const module = new URL("auction_sandbox.core.wasm", import.meta.url);
    simulator ??= load(fetch(module), "simulate");
    const story = (await simulator)(wanted);
    if (story.error) throw refused(story.error);
    byId("wrong")?.replaceChildren();
    tell(story);
  } catch (error) {
    if (!(error instanceof Wrong)) simulator = undefined;
    const { message, field } = /** @type {Wrong} */ (error);
    byId("wrong")?.replaceChildren(make("p", "bad", message));
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  }
}

/** What the machine says of the terms, at the first field that is wrong.
 * @param {{ detail: string, errors?: { pointer: string, detail: string }[] }} error */
function refused({ detail, errors = [] }) {
  const [first] = errors;
  if (!first) return new Wrong(sentence(detail));
  const name = first.pointer.split("/").map((part) => FIELDS[part]).findLast(Boolean);
  const said = errors.map((fault) => sentence(fault.detail)).join(" ");
  return new Wrong(said, name ? field(name) : undefined);
}

// The form.

/** @param {import("./presets.js").Preset} preset */
function fill({ terms, bidders }) {
  for (const [name, value] of Object.entries({ ...USUAL, ...terms })) field(name).value = value;
  rows.replaceChildren();
  bidders.forEach((bidder) => add(...bidder));
  fit();
}

/** @param {string} name @param {string} strategy @param {string} limit @param {string} at */
function add(name, strategy, limit, at) {
  const template = /** @type {HTMLTemplateElement} */ (byId("bidder"));
  const row = /** @type {HTMLElement} */ (template.content.cloneNode(true).firstChild);
  for (const [key, value] of Object.entries({ name, strategy, limit, at })) {
    part(row, key).value = value;
  }
  row.querySelector("[data-remove]")?.addEventListener("click", () => {
    row.remove();
    byId("add")?.focus();
  });
  rows.append(row);
  return row;
}

/** Shows what goes with the choices that are made. */
function fit() {
  const chosen = field("format").value;
  const isSoft = field("mode").value !== "off";
  const hasBands = field("increments").value === "bands";
  const of = /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-of]"));
  for (const line of of) {
    const { of = "", soft, bands } = line.dataset;
    const fits = (soft === undefined || isSoft) && (bands === undefined || hasBands);
    line.hidden = !of.split(" ").includes(chosen) || !fits;
    // What is not shown is neither asked for nor checked.
    line.querySelectorAll("input").forEach((input) => (input.disabled = line.hidden));
  }
  const format = /** @type {HTMLSelectElement} */ (field("format"));
  put(byId("format-says"), format.selectedOptions[0]?.dataset.sentence ?? "");
  for (const row of rows.children) {
    const strategy = part(row, "strategy").value;
    const isSniper = strategy === "sniper";
    const when = isSniper ? "Seconds before the end" : "Comes at second";
    put(row.querySelector("[data-when]"), when);
    const limit = /** @type {HTMLElement} */ (row.querySelector("[data-limit]"));
    limit.hidden = strategy === "buy_now";
  }
}

function request() {
  const chosen = field("format").value;
  const hasSteps = ["english", "open_outcry"].includes(chosen);
  /** @type {Record<string, unknown>} */
  const terms = { title: "A lot", format: chosen, start_price: money(field("start")) };
  if (chosen === "dutch") {
    terms.dutch = {
      floor_price: money(field("floor")), decrement: money(field("decrement")),
      tick_seconds: Number(field("tick").value), dwell_seconds: Number(field("dwell").value),
    };
  } else {
    terms.duration_seconds = Number(field("duration").value);
    terms.reserve_price = field("reserve").value.trim() ? money(field("reserve")) : null;
  }
  if (hasSteps) {
    terms.buy_now_price = field("buy_now").value.trim() ? money(field("buy_now")) : null;
    terms.increments = field("increments").value === "bands" ? bands() : field("increments").value;
    const mode = field("mode").value;
    const seconds = (/** @type {string} */ name) => Number(field(name).value);
    const window = { window_seconds: seconds("window"), extension_seconds: seconds("extension") };
    terms.soft_close = mode === "off" ? { mode } : { mode, ...window };
  }
  const bidders = [...rows.children].map((row) => bidder(row));
  return { terms, bidders, seed: Number(field("seed").value) };
}

/** @param {Element} row */
function bidder(row) {
  const [name, strategy, limit, at] =
    ["name", "strategy", "limit", "at"].map((key) => part(row, key));
  if (!name.value.trim()) throw new Wrong("Every bidder has a name.", name);
  return {
    name: name.value.trim(),
    strategy: strategy.value,
    limit: strategy.value === "buy_now" ? null : money(limit).amount,
    at_ms: at.value.trim() ? Math.round(Number(at.value) * 1_000) : null,
  };
}

/** `100: 5` on each line. */
function bands() {
  const lines = field("bands").value.split("\n").filter((line) => line.trim());
  return lines.map((line) => {
    const [from, step] = line.split(":").map((text) => parse(text, EXPONENT));
    if (from === null || step === null || step === undefined) {
      throw new Wrong(`“${line}” is no band. Write a price, a colon and a step.`, field("bands"));
    }
    return { from, step };
  });
}

/** @param {Field} of @returns {Money} */
function money(of) {
  const amount = parse(of.value, EXPONENT);
  if (amount === null) throw new Wrong(`“${of.value}” is no amount, like 12.50.`, of);
  return { amount, currency: CURRENCY };
}

/** @param {string} name @returns {Field} */
function field(name) {
  return /** @type {Field} */ (form.elements.namedItem(name));
}

/** @param {Element} row @param {string} name @returns {Field} */
function part(row, name) {
  return /** @type {Field} */ (row.querySelector(`[name="${name}"]`));
}

// The story.

/** @param {Story} story */
function tell(story) {
  const { timeline, points, rules } = story;
  const section = /** @type {HTMLElement} */ (byId("story"));
  section.hidden = false;
  put(byId("result"), ending(story));
  const body = document.querySelector("#timeline tbody");
  body?.replaceChildren(...timeline.map((entry) => line(entry, story)));
  const figure = byId("chart");
  const drawn = points.map(({ at_ms, amount }) => ({ at: at_ms, price: amount }));
  if (figure) draw(figure, drawn, { exponent: EXPONENT, currency: CURRENCY, time: clock });
  byId("rules")?.replaceChildren(...rules.flatMap(({ rule, title, text }) => [
    make("dt", "", title),
    make("dd", "", `${text} `, make("small", "quiet", rule)),
  ]));
  const log = timeline.flatMap(({ events }) => events.map((event) => JSON.stringify(event)));
  put(byId("log"), log.join("\n"));
  byId("story-title")?.focus();
}

/** @param {Story} story */
function ending({ people, result, ends_at_ms: end }) {
  const [winner] = result?.winners ?? [];
  if (!winner) {
    const why = (result?.reason ?? "").replaceAll("_", " ");
    return `Not sold: ${why}. It ended at ${clock(end)}.`;
  }
  const name = people[winner.bidder] ?? winner.bidder;
  return `Sold to ${name} for ${shown(winner.unit_price)}. It ended at ${clock(end)}.`;
}

/** @param {Entry} entry @param {Story} story */
function line(entry, story) {
  const { at_ms, who, after, explanation, refusal, events } = entry;
  const why = [];
  if (explanation) why.push(`${explanation.text} `, make("small", "quiet", explanation.rule));
  if (refusal) why.push(sentence(refusal.detail));
  const paid = story.rules.find(({ title }) => title === "Price");
  if (isEnd(entry) && paid) why.push(`${paid.text} `, make("small", "quiet", paid.rule));
  const moved = events.find(({ event }) => event === "auction_extended");
  if (moved) {
    const { old_end, new_end } = moved.data;
    const moves = ` The end moves from ${clock(old_end)} to ${clock(new_end)}. `;
    why.push(moves, make("small", "quiet", "B6"));
  }
  const row = make("tr", entry.verdict === "refused" ? "bad" : "");
  row.append(
    make("td", "", clock(at_ms)),
    make("td", "", who ?? "The platform"),
    make("td", "", what(entry, story)),
    make("td", "", after.price ? shown(after.price) : "–"),
    make("td", "", after.leader ?? "–"),
    make("td", "", ...why),
  );
  return row;
}

/** @param {Entry} entry @param {Story} story */
function what(entry, { format: of }) {
  const { did, amount, verdict, outcome } = entry;
  if (did === "list") return "opens the auction";
  if (did === "wake") return isEnd(entry) ? "ends it" : "";
  if (did === "pass") return "does not bid";
  const isPrice = of === "open_outcry" || of === "sealed_first_price";
  const bids = `bids ${isPrice ? "" : "up to "}${amount ? shown(amount) : ""}`;
  const asked = did === "buy_now" ? "buys it now" : bids;
  return `${asked}: ${verdict === "refused" ? "refused" : OUTCOMES[outcome ?? ""]}`;
}

/** Did the platform end it, nobody's bid? @param {Entry} entry */
function isEnd({ did, events }) {
  return did === "wake" && events.some(({ event }) => event === "auction_closed");
}

/** What the machine says has neither a capital nor a full stop. @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}

/** @param {Money} amount */
function shown(amount) {
  return format(amount, EXPONENT);
}

/** `9:57.3` after the start. @param {number} ms */
function clock(ms) {
  const tenths = Math.floor(ms / 100);
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const seconds = Math.floor(tenths / 10) % 60;
  const rest = tenths % 10 === 0 ? "" : `.${tenths % 10}`;
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const front = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
  return `${front}:${two(seconds)}${rest}`;
}

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */

/** Fields by the members of terms that they become. @type {Record<string, string>} */
const FIELDS = {
  start_price: "start", reserve_price: "reserve", buy_now_price: "buy_now", increments: "bands",
  duration_seconds: "duration", window_seconds: "window", extension_seconds: "extension",
  floor_price: "floor", decrement: "decrement", tick_seconds: "tick", dwell_seconds: "dwell",
};
const CURRENCY = "USD";
const EXPONENT = 2;
/** @type {Record<string, string>} */
const OUTCOMES = {
  leading: "leads", outbid: "outbid at once", accepted: "sealed until the end", won: "has it",
};
