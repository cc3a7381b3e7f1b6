// The form to bid. It is sent without leaving the page, and its key stays until the server's one
// answer is known: a bid that is sent again after a broken connection counts once.
// @ts-check

import { byId, link, make, put } from "./dom.js";
import { format, parse } from "./money.js";
import { least, quick } from "./state.js";

/** @import { Answer, Lot, Money } from "./types.js" */
/**
 * @typedef {object} Told
 * @property {() => Lot} lot
 * @property {(reply: any, amount: Money) => void} onTaken
 * @property {(problem: any) => void} onRefused
 */

export class BidForm {
  #form;
  #told;
  #amount;
  #button;
  /** What the button says for any amount. */
  #verb;
  #problem = problemBox();
  #confirmation = make("div", "notice confirm");
  /** @type {string | null} The amount of a bid whose answer did not come. */
  #unknown = null;
  /** Had that bid been confirmed? */
  #wasConfirmed = false;
  #isBusy = false;

  /** @param {HTMLFormElement} form @param {Told} told */
  constructor(form, told) {
    this.#form = form;
    this.#told = told;
    this.#amount = /** @type {HTMLInputElement} */ (form.querySelector("#amount"));
    this.#button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
    const isConfirming = this.#field("confirm") !== null;
    this.#verb = isConfirming ? "Bid" : (this.#button.textContent ?? "").trim();
    this.#amount.setAttribute("aria-describedby", "least problem");
    this.#confirmation.hidden = true;
    this.#button.parentElement?.before(this.#problem, this.#confirmation);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#amount.addEventListener("input", () => this.#changed());
    byId("steps")?.addEventListener("click", (event) => this.#tapped(event));
    if (!isConfirming) this.#label();
  }

  /** Shows what is asked for now. An amount that was typed is the visitor's and stays.
   * @param {boolean} isOver */
  show(isOver) {
    this.#form.hidden = isOver;
    const lot = this.#told.lot();
    this.#steps(quick(lot));
    const typed = parse(this.#amount.value, lot.exponent);
    const [minimum, maximum] = [least(lot), lot.next_maximum];
    const short = typed !== null && minimum !== null && typed < minimum.amount;
    const high = typed !== null && maximum !== null && typed > maximum.amount;
    byId("least")?.classList.toggle("short", short || high);
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {HTMLInputElement | null} */ (this.#form.querySelector(`[name=${name}]`));
  }

  /** @param {Event} event */
  #tapped(event) {
    const chip = /** @type {Element} */ (event.target).closest("[data-amount]");
    if (!(chip instanceof HTMLElement)) return;
    event.preventDefault();
    this.#amount.value = chip.dataset.amount ?? "";
    this.#changed();
    this.#amount.focus();
  }

  #changed() {
    // Who changes the amount confirms another one.
    this.#field("confirm")?.remove();
    this.#confirm(null);
    this.#amount.removeAttribute("aria-invalid");
    this.#label();
    this.show(this.#form.hidden);
  }

  /** The button says how the amount is read, so that nobody bids a hundred times too much. */
  #label() {
    if (this.#isBusy) return;
    const shows = ["Bid", "Ask"].includes(this.#verb);
    const money = shows ? this.#money() : null;
    put(this.#button, money ? `${this.#verb} ${this.#shown(money)}` : this.#verb);
  }

  /** @param {Money} money */
  #shown(money) {
    return format(money, this.#told.lot().exponent);
  }

  /** The amount as it is typed; null when it is none. @returns {Money | null} */
  #money() {
    const { exponent, start_price } = this.#told.lot();
    const amount = parse(this.#amount.value, exponent);
    return amount === null ? null : { amount, currency: start_price.currency };
  }

  #submit() {
    if (this.#isBusy || !this.#confirmation.hidden) return;
    const money = this.#money();
    if (money) return this.#send(money, this.#isConfirmed(money));
    const { exponent, start_price } = this.#told.lot();
    const amount = Number(`1250${"5".padEnd(exponent, "0").slice(0, exponent)}`);
    const example = this.#shown({ amount, currency: start_price.currency });
    this.#wrong([`“${this.#amount.value}” is no amount. Write it like ${example}.`]);
    this.#amount.setAttribute("aria-invalid", "true");
    this.#amount.focus();
  }

  /** Who said yes to an amount is not asked again, and only the same bid counts once.
   * @param {Money} money */
  #isConfirmed(money) {
    const isAgain = this.#unknown === this.#shown(money);
    return this.#field("confirm") !== null || (isAgain && this.#wasConfirmed);
  }

  /** @param {Money} money @param {boolean} isConfirmed */
  async #send(money, isConfirmed) {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(this.#form)) fields.append(name, String(value));
    fields.delete("confirm");
    if (isConfirmed) fields.set("confirm", "true");
    const hadFocus = this.#form.contains(document.activeElement);
    this.#busy(true);
    const answer = await post(this.#form.getAttribute("action") ?? "", fields);
    this.#busy(false);
    this.#wrong([]);
    this.#confirm(null);
    this.#heard(answer, money, isConfirmed);
    // A button that is disabled loses the focus.
    const isLost = hadFocus && !this.#form.contains(document.activeElement);
    if (isLost) this.#button.focus();
  }

  /** @param {Answer} answer @param {Money} money @param {boolean} isConfirmed */
  #heard(answer, money, isConfirmed) {
    if (isUnknown(answer)) {
      this.#wasConfirmed = isConfirmed;
      return this.#lost(money, answer);
    }
    const before = this.#unknown;
    if (isDecided(answer)) {
      this.#unknown = null;
      this.#fresh();
    }
    if (answer.status < 300) this.#taken(answer.body, money);
    else this.#refused(answer, money, before);
  }

  /** @param {any} reply @param {Money} money */
  #taken(reply, money) {
    this.#amount.value = "";
    this.#told.onTaken(reply, money);
    this.#changed();
  }

  /** It may have arrived: with the same key it can be sent again. @param {Money} money
   * @param {Answer} answer */
  #lost(money, { body }) {
    this.#unknown = this.#shown(money);
    const why = typeof body?.detail === "string" ? [capital(body.detail)] : [];
    this.#wrong([
      `We do not know whether your bid of ${this.#unknown} arrived. Press the button again: it ` +
        "is the same bid and counts once.",
      ...why,
    ]);
  }

  /** @param {Answer} answer @param {Money} money @param {string | null} before */
  #refused({ status, body }, money, before) {
    this.#told.onRefused(body);
    const code = body?.code;
    if (code === "confirmation_required") return this.#confirm(money);
    if (status === 401 || code === "forbidden_origin") return this.#signIn();
    if (code === "idempotency_key_reused" && before) {
      return this.#wrong([
        `Your bid of ${before} had arrived before the connection broke. What you typed since ` +
          "was not sent: look at the bids, then bid again if you want to.",
      ]);
    }
    this.#wrong([...sentences(body), ...this.#bounds(body)]);
    if (status === 422) this.#amount.setAttribute("aria-invalid", "true");
  }

  /** What would be taken of this visitor: more than of others, of whoever leads.
   * @param {any} problem */
  #bounds({ next_minimum, next_maximum } = /** @type {any} */ ({})) {
    const minimum = next_minimum && (least(this.#told.lot()) ?? next_minimum);
    if (minimum) return [`The least that is taken now: ${this.#shown(minimum)}.`];
    if (next_maximum) return [`The most that is taken now: ${this.#shown(next_maximum)}.`];
    return [];
  }

  #signIn() {
    const room = `/auctions/${this.#told.lot().id}`;
    const next = `${room}?amount=${encodeURIComponent(this.#amount.value.trim())}`;
    const again = link(`/sign-in?next=${encodeURIComponent(next)}`, "Sign in again");
    const text = "Your session is over; your bid was not sent. ";
    this.#problem.replaceChildren(make("p", "", text, again, " to go on with the same amount."));
    this.#problem.classList.add("bad");
  }

  /** Asks once more, or no longer. @param {Money | null} money */
  #confirm(money) {
    const had = this.#confirmation.contains(document.activeElement);
    this.#confirmation.hidden = money === null;
    const submit = /** @type {HTMLElement} */ (this.#button.parentElement);
    submit.hidden = money !== null;
    if (!money) {
      this.#confirmation.replaceChildren();
      if (had) this.#amount.focus();
      return;
    }
    const amount = this.#shown(money);
    const { next_minimum, next_maximum } = this.#told.lot();
    const usual = next_minimum ?? next_maximum;
    const than = usual ? `${this.#shown(usual)}, what is asked for now` : "what is usual here";
    const question = make("p", "", make("strong", "", `Do you mean ${amount}?`));
    question.append(` That is far from ${than}.`);
    const yes = action(`Yes, bid ${amount}`, "", () => this.#send(money, true));
    const no = action("Change the amount", "second", () => this.#confirm(null));
    this.#confirmation.replaceChildren(question, make("p", "", yes, " ", no));
    // Not the button: whoever presses Enter twice has not read it.
    question.tabIndex = -1;
    question.focus();
  }

  /** @param {string[]} sentences */
  #wrong(sentences) {
    this.#problem.classList.toggle("bad", sentences.length > 0);
    this.#problem.replaceChildren(...sentences.map((sentence) => make("p", "", sentence)));
    // What the server said about an earlier try is over with this one.
    document.querySelector("#standing > .bad[role=alert]")?.remove();
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    this.#isBusy = isBusy;
    const [yes, no] = this.#confirmation.querySelectorAll("button");
    for (const button of [this.#button, yes, no]) if (button) button.disabled = isBusy;
    if (isBusy) for (const button of [this.#button, yes]) put(button ?? null, "Sending…");
    else this.#label();
  }

  /** The next bid is another one. */
  #fresh() {
    for (const field of document.querySelectorAll("#bid [name=key], form.buy [name=key]")) {
      /** @type {HTMLInputElement} */ (field).value = newKey();
    }
  }

  /** @param {string[]} amounts */
  #steps(amounts) {
    const steps = byId("steps");
    if (!steps) return;
    // Chips stay where they are: one may have the focus.
    const chips = /** @type {HTMLAnchorElement[]} */ ([...steps.children]);
    chips.slice(amounts.length).forEach((chip) => chip.remove());
    amounts.forEach((amount, at) => {
      const chip = chips[at] ?? link("", "");
      if (!chips[at]) steps.append(chip, " ");
      if (chip.dataset.amount === amount) return;
      chip.href = `/auctions/${this.#told.lot().id}?amount=${amount}#bid`;
      chip.dataset.amount = amount;
      put(chip, amount);
    });
  }
}

/** Sends a form of the page. @param {string} address @param {URLSearchParams} fields
 * @returns {Promise<Answer>} */
export async function post(address, fields) {
  const headers = { accept: "application/json" };
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const answer = await fetch(address, { method: "POST", body: fields, headers, signal });
    return { status: answer.status, body: await answer.json() };
  } catch {
    return { status: 0, body: null };
  }
}

/** Can it not be said what became of it? @param {Answer} answer */
function isUnknown({ status, body }) {
  return status === 0 || status >= 500 || body?.code === "idempotency_in_progress";
}

/** Is it the answer to the bid? One that is refused for its rate, or only asked about, is still the
 * same bid. @param {Answer} answer */
function isDecided({ status, body }) {
  return status !== 429 && body?.code !== "confirmation_required";
}

/** What a problem says to a person. @param {any} problem @returns {string[]} */
function sentences(problem) {
  const errors = Array.isArray(problem?.errors) ? problem.errors : [];
  const named = errors.map((/** @type {any} */ { pointer = "", detail }) => {
    const field = pointer.replace(/^\//, "").replace(/[/_]/g, " ");
    return capital(field ? `${field}: ${detail}` : detail);
  });
  return named.length > 0 ? named : [capital(problem?.detail ?? "That was not taken.")];
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} text @param {string} className @param {() => void} onClick */
function action(text, className, onClick) {
  const button = /** @type {HTMLButtonElement} */ (make("button", className, text));
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

function problemBox() {
  const box = make("div", "problem");
  box.id = "problem";
  box.setAttribute("role", "alert");
  return box;
}

/** `randomUUID` is there over TLS and on localhost only. */
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const ANSWER_MS = 20_000;
