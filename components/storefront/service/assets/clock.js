// Time as the server has it: what is left, the tick of the page, the price of a falling clock.
// @ts-check

/** `2 d 3 h`, `1 h 5 min`, `14 min 5 s`, `9 s`; `over` when nothing is left. Never less than it
 * says, as the server writes it (show.rs). @param {number} ms */
export function left(ms) {
  const seconds = Math.ceil(Math.max(ms, 0) / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds === 0) return "over";
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `2026-11-27 04:14:22 UTC`. @param {string} time RFC 3339 in UTC */
export function instant(time) {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** Shows what is left in a `<time>` that the word "left" follows.
 * @param {Element} time @param {number} ms */
export function countdown(time, ms) {
  const text = left(ms);
  if (time.textContent === text) return;
  time.textContent = text;
  // Nobody says "over left".
  const after = time.nextSibling;
  if (after?.nodeType === 3) after.nodeValue = ms > 0 ? " left " : " ";
}

/**
 * The price of a falling clock (rules.md B8): max(F, S − d × floor((t − t0) / τ)).
 * @param {{ start: number, floor: number, decrement: number, tickSeconds: number,
 *   startsAt: number }} clock minor units, and milliseconds since 1970
 * @param {number} now the server's time
 */
export function clockPrice({ start, floor, decrement, tickSeconds, startsAt }, now) {
  const tickMs = BigInt(Math.max(tickSeconds, 1)) * 1_000n;
  const gone = BigInt(Math.floor(now)) - BigInt(startsAt);
  const ticks = gone > 0n ? gone / tickMs : 0n;
  const price = BigInt(start) - BigInt(decrement) * ticks;
  return Number(price > BigInt(floor) ? price : BigInt(floor));
}

/** The server's clock by what a page said when it came. The device's own clock is often minutes
 * off, so only what has passed since is measured here. */
export class PageClock {
  #served;
  #received;

  /** @param {string} served the server's time in the page @param {number} [received] when that
   *   came, as `performance.now()` counts */
  constructor(served, received = firstByte()) {
    this.#served = Date.parse(served);
    this.#received = received;
  }

  /** Milliseconds since 1970. */
  get now() {
    return this.#served + performance.now() - this.#received;
  }

  /** An answer says the time again; the question went out at `asked`.
   * @param {string} served @param {number} asked */
  take(served, asked) {
    this.#served = Date.parse(served);
    this.#received = (asked + performance.now()) / 2;
  }
}

/** When the page began to come: a script runs later than that. */
function firstByte() {
  const [page] = performance.getEntriesByType("navigation");
  const { responseStart } = /** @type {PerformanceNavigationTiming} */ (page ?? {});
  return responseStart > 0 ? responseStart : performance.now();
}

/** One timer for all that moves on a page; it rests while nobody looks. */
export class Ticker {
  /** @type {Set<() => void>} */
  #movers = new Set();
  #everyMs;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {number} everyMs */
  constructor(everyMs) {
    this.#everyMs = everyMs;
    document.addEventListener("visibilitychange", () => this.#wind());
  }

  /** Calls it now and at every tick, until what this returns is called.
   * @param {() => void} mover */
  add(mover) {
    this.#movers.add(mover);
    mover();
    this.#wind();
    return () => {
      this.#movers.delete(mover);
      this.#wind();
    };
  }

  #wind() {
    clearInterval(this.#timer);
    if (document.hidden || this.#movers.size === 0) return;
    const tick = () => this.#movers.forEach((mover) => mover());
    tick();
    this.#timer = setInterval(tick, this.#everyMs);
  }
}
