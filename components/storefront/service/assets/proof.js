// Checks an auction where it is read: loads the log, where it stands and the keys, as anybody may,
// and runs the verifier over them. What it finds is not the server's word.
// @ts-check

import { draw } from "./chart.js";
import { byId, make, put } from "./dom.js";
import { stored } from "./receipt.js";
import { load } from "./verifier.mjs";

/** @typedef {{ seq: number, event: string, time: string, data: any, hash: string }} Logged */
/** @typedef {{ auction_id: string, events: Logged[], proof: any, keys: any }} Log */
/** @typedef {{ ok: boolean, events: number, head: string | null, checked: string[],
 *   undecided: { seq: number | null, what: string }[],
 *   first_bad: { seq: number | null, what: string } | null }} Report */

const { auction = "", currency = "", exponent = "2" } = byId("proof")?.dataset ?? {};
const verdict = byId("verdict");
const receiptVerdict = byId("receipt-verdict");
const receiptText = /** @type {HTMLTextAreaElement} */ (byId("receipt-text"));
/** @type {Promise<(request: object) => Report> | undefined} */
let verifier;
/** @type {{ log: Log, report: Report } | undefined} */
let checked;
let isBusy = false;

const check = byId("check");
if (check) check.hidden = false;
receiptText.value = pretty(stored(auction));
byId("verify")?.addEventListener("click", () => alone(verdict, verify));
byId("receipt")?.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  alone(receiptVerdict, verifyReceipt);
});

/** One thing at a time, and what goes wrong is said. @param {HTMLElement | null} into
 * @param {() => Promise<void>} work */
async function alone(into, work) {
  if (isBusy) return;
  isBusy = true;
  into?.replaceChildren();
  try {
    await work();
  } catch (error) {
    say(into, "bad", `This could not be checked: ${/** @type {Error} */ (error).message}`);
  }
  put(byId("progress"), "");
  isBusy = false;
}

async function verify() {
  const { log, report } = await checkLog();
  tell(report);
  const points = log.events.flatMap(({ time, data }) =>
    data.price ? [{ at: Date.parse(time), price: data.price.amount }] : []);
  const figure = byId("chart");
  if (figure) draw(figure, points, { exponent: Number(exponent), currency });
}

/** Reads everything anew and checks it. */
async function checkLog() {
  verifier ??= load(fetch(new URL("auction_verifier.core.wasm", import.meta.url)));
  // The proof first: a log that is read later reaches it.
  const proof = await read(`/v1/auctions/${auction}/proof`);
  const keys = await read("/.well-known/proof-keys.json");
  const events = await all(proof.seq);
  const log = { auction_id: auction, events, proof, keys };
  checked = { log, report: await run(log) };
  return checked;
}

/** @param {object} request */
async function run(request) {
  put(byId("progress"), "Checking …");
  const verify = await verifier?.catch((error) => {
    verifier = undefined;
    throw error;
  });
  await drawn();
  if (!verify) throw new Error("there is no verifier.");
  return verify(request);
}

/** Once what is said is drawn: the page is busy from then on. The first frame draws it, the second
 * comes after it. A page that nobody looks at draws nothing. @returns {Promise<unknown>} */
function drawn() {
  if (document.hidden) return Promise.resolve();
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

/** All events, page by page. @param {number} expected @returns {Promise<Logged[]>} */
async function all(expected) {
  /** @type {Logged[]} */
  const events = [];
  for (;;) {
    put(byId("progress"), `Reading the log: ${events.length} of ${expected} events …`);
    const after = events.at(-1)?.seq ?? 0;
    const page = await read(`/v1/auctions/${auction}/events?after=${after}&limit=${PAGE_MAX}`);
    events.push(...page.items);
    if (page.items.length < PAGE_MAX) return events;
  }
}

/** @param {string} address */
async function read(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? `${address} answers ${answer.status}.`);
}

/** @param {Report} report */
function tell({ ok, events, head, checked: holds, undecided, first_bad: flaw }) {
  if (ok) {
    const stand = `${events} events hold, up to the head ${head}.`;
    say(verdict, "good", make("strong", "", "Proven."), ` ${stand}`);
  } else {
    const where = flaw?.seq ? ` at event ${flaw.seq}` : "";
    const what = `First flaw${where}: ${flaw?.what ?? "unknown"}.`;
    say(verdict, "bad", make("strong", "", "Not proven."), ` ${what}`);
  }
  if (holds.length > 0) verdict?.append(list("What was checked and holds", holds));
  const open = undecided.map(({ seq, what }) => (seq ? `Event ${seq}: ${what}` : what));
  if (open.length > 0) verdict?.append(list("What public data do not tell", open));
  for (const row of document.querySelectorAll("#events tr[data-seq]")) {
    const isFlaw = /** @type {HTMLElement} */ (row).dataset.seq === String(flaw?.seq);
    row.classList.toggle("bad", isFlaw);
  }
}

async function verifyReceipt() {
  const receipt = typed(receiptText.value);
  const { seq, signature } = receipt;
  if (receipt.auction_id !== undefined && receipt.auction_id !== auction) {
    const other = `This is a receipt of another auction, ${receipt.auction_id}.`;
    return say(receiptVerdict, "bad", other);
  }
  const reaches = (checked?.log.events.at(-1)?.seq ?? 0) >= seq;
  const { log, report } = checked && reaches ? checked : await checkLog();
  tell(report);
  if (!report.ok) return say(receiptVerdict, "bad", "The log itself does not hold: see above.");
  const own = log.events.find((event) => event.seq === seq);
  if (!own) return say(receiptVerdict, "bad", `The log has no event ${seq}.`);
  if (signature === undefined) {
    const same = own.hash === receipt.head;
    const what = same ? "The log stands as it says" : "The log has another head there";
    return say(receiptVerdict, same ? "" : "bad", `${what}, but nobody signed this receipt.`);
  }
  const { first_bad: flaw } = await run({ ...log, receipts: [receipt] });
  if (flaw) return say(receiptVerdict, "bad", `It does not hold: ${flaw.what}.`);
  const what = own.event.replaceAll("_", " ");
  const about = `The receipt holds. It is of event ${seq}, ${what}; the platform signed it.`;
  say(receiptVerdict, "good", about);
}

/** A receipt as people paste it, or the whole answer to a bid. @param {string} text */
function typed(text) {
  /** @type {any} */
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("paste the receipt with its braces, { … }.");
  }
  const receipt = json?.receipt ?? json;
  const isReceipt = Number.isSafeInteger(receipt?.seq) && typeof receipt.head === "string";
  if (!isReceipt) throw new Error("a receipt has a seq and a head, this has not.");
  return receipt;
}

/** @param {string | null} text */
function pretty(text) {
  try {
    return text ? JSON.stringify(JSON.parse(text), null, 2) : "";
  } catch {
    return "";
  }
}

/** @param {HTMLElement | null} into @param {string} mood @param {(Node | string)[]} children */
function say(into, mood, ...children) {
  into?.replaceChildren(make("p", mood, ...children));
}

/** @param {string} title @param {string[]} items */
function list(title, items) {
  const all = make("ul", "", ...items.map((item) => make("li", "", item)));
  return make("details", "", make("summary", "", title), all);
}

const PAGE_MAX = 100;
