// The reference client of the live protocol, for browsers and node 22: one module, no dependency.
//
// It follows one auction over any count of connections. Each event comes once and none is left
// out; a number that does not fit is told as "lost", never passed over. A bid keeps its id until
// its one reply came. Where the platform has no sockets (426), it reads the event stream and bids
// over HTTP, with the same ids. docs/guide/live.md says why it does what it does.
//
//   import { watch } from "./ecomauction.js";
//   const live = watch({ server: location.origin, auction, signIn: async () => ({ token }) });
//   for await (const update of live) {
//     if (update.kind === "event") show(update.event, update.data);
//   }
//   const { status, body } = await live.bid({ amount: { amount: 2500, currency: "USD" } });
// @ts-check

/** @typedef {{ amount: number, currency: string }} Money Minor units and a currency. */
/** @typedef {{ epoch: string, seq: number }} Position How far the events were followed. */
/**
 * @typedef {{ amount: Money, quantity?: number, min_quantity?: number, confirm?: boolean }} Bid
 * @typedef {{ status: number, body: any }} Reply Status and body as over HTTP.
 * @typedef {{ token?: string, ticket?: string }} Credentials An access token, or a ticket of
 *   `POST /v1/live-tickets`, which works once; without either one only watches.
 * @typedef {{ kind: "hello", resumed: boolean, seq: number, auction: any }
 *   | { kind: "event", seq: number, event: string, time: string, data: any }
 *   | { kind: "outbid", seq: number, price: Money | null, next_minimum: Money | null,
 *       ends_at: string }
 *   | { kind: "complaint", code: string, detail: string }
 *   | { kind: "lost", why: string, pause: number }
 *   | { kind: "ended", why: string }} Update
 * @typedef {object} Options
 * @property {string} server `https://host` or `http://host:port`.
 * @property {string} auction `auc_…`.
 * @property {() => Promise<Credentials | undefined>} [signIn] Asked before each connection.
 * @property {Position} [position] Where an earlier watcher stopped.
 * @property {typeof WebSocket} [WebSocket] Another implementation.
 * @property {typeof fetch} [fetch] Another implementation.
 */

/** Follows an auction. @param {Options} options */
export function watch(options) {
  return new Live(options);
}

/** Events that do not fit: what is missing must be asked for again. */
export class Gap extends Error {}

/** Each number once, none left out. */
export class Order {
  /** @param {Position} [position] */
  constructor(position) {
    this.position = position;
  }

  /** A connection begins. @param {string} epoch @param {number} seq @param {boolean} resumed */
  hello(epoch, seq, resumed) {
    const seen = this.position?.epoch === epoch ? this.position.seq : undefined;
    if (resumed && seen !== seq) throw new Gap(`resumed after ${seq}, not after ${seen}`);
    if (seen !== undefined && seen > seq) throw new Gap(`a snapshot at ${seq} after event ${seen}`);
    this.position = { epoch, seq };
  }

  /** An event came: true when it is the next one, false when it was seen. @param {number} seq */
  event(seq) {
    if (!this.position) throw new Gap(`event ${seq} came before hello`);
    const due = this.position.seq + 1;
    if (seq > due) throw new Gap(`event ${seq} came where ${due} was due`);
    if (seq < due) return false;
    this.position = { epoch: this.position.epoch, seq };
    return true;
  }
}

/** How far the server's clock is from the device's, in milliseconds. */
export class Clock {
  /** @type {{ offset: number, roundTrip: number }[]} */
  #samples = [];

  /** @param {number} t0 asked @param {number} t1 read @param {number} t2 answered
   * @param {number} t3 back */
  take(t0, t1, t2, t3) {
    const offset = (t1 - t0 + (t2 - t3)) / 2;
    const roundTrip = t3 - t0 - (t2 - t1);
    if (roundTrip < 0 || !Number.isFinite(offset)) return;
    this.#samples.push({ offset, roundTrip });
    if (this.#samples.length > 8) this.#samples.shift();
  }

  /** What to add to the device's clock: the quickest of the last eight says it best. */
  get offset() {
    if (this.#samples.length === 0) return undefined;
    return this.#samples.reduce((a, b) => (b.roundTrip < a.roundTrip ? b : a)).offset;
  }
}

/** Milliseconds before the next connection: anything up to a bound that doubles from 0.5 s to 30 s.
 * @param {number} failures @param {number} chance */
export function pauseAfter(failures, chance) {
  return Math.min(500 * 2 ** Math.min(failures, 6), 30_000) * chance;
}

/** What a close code asks for. @param {number} code */
export function parting(code) {
  const words = /** @type {Record<number, string>} */ ({
    1002: "protocol error", 1003: "frames are text", 1007: "not UTF-8", 1009: "too big",
    4000: "the platform restarts", 4001: "the sign-in is not valid any more", 4003: "not allowed",
    4004: "the auction is gone", 4008: "read too slowly", 4009: "history was rewritten",
    4029: "sent too much",
  });
  const final = [1002, 1003, 1007, 1009, 4003, 4004].includes(code);
  return { why: words[code] ?? `the connection broke (${code})`, final, forget: code === 4009 };
}

/** Takes an event stream apart. */
export class StreamParser {
  #rest = "";

  /** The events that are whole now. @param {string} text
   * @returns {{ id: string, event: string, data: string }[]} */
  feed(text) {
    this.#rest += text;
    const blocks = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = /** @type {string} */ (blocks.pop());
    return blocks.map(block).filter((event) => event.data !== "");
  }
}

/** @param {string} text */
function block(text) {
  const event = { id: "", event: "message", data: "" };
  const data = [];
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^(\w*):? ?(.*)$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    if (name === "id") event.id = value;
    if (name === "event") event.event = value;
  }
  return { ...event, data: data.join("\n") };
}

/** Why a connection ended. */
class Parted extends Error {
  /** @param {string} why @param {{ final?: boolean, forget?: boolean, quiet?: boolean }} [what] */
  constructor(why, what = {}) {
    super(why);
    this.what = what;
  }
}

/** One auction as it happens: an async iterable of updates. */
export class Live {
  #options;
  #fetch;
  #order;
  #clock = new Clock();
  /** Bids without a reply. @typedef {{ bid: Bid, posted?: boolean,
   *   resolve: (reply: Reply) => void, reject: (why: Error) => void }} Open
   * @type {Map<string, Open>} */
  #open = new Map();
  /** @type {Update[]} */
  #updates = [];
  /** @type {(() => void) | undefined} */
  #wake;
  /** @type {((text: string) => void) | undefined} */
  #say;
  /** @type {Credentials} */
  #credentials = {};
  #failures = 0;
  #streams = false;
  #stop = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#order = new Order(options.position);
    this.#run();
  }

  /** How far it is; what another one goes on from. */
  get position() {
    return this.#order.position;
  }

  /** The server's clock in ms since 1970; undefined before the first sample. A countdown is the end
   * minus this, never minus the device's clock. */
  get now() {
    const { offset } = this.#clock;
    return offset === undefined ? undefined : deviceNow() + offset;
  }

  /** Bids; resolves with the one reply, however often the connection breaks in between.
   * @param {Bid} bid @returns {Promise<Reply>} */
  bid(bid) {
    return new Promise((resolve, reject) => {
      if (this.#stop.signal.aborted) return reject(new Error("it is over"));
      const id = crypto.randomUUID();
      this.#open.set(id, { bid, resolve, reject });
      this.#send(id, bid);
    });
  }

  /** Stops watching. Bids without a reply are rejected: what became of them is unknown. */
  close() {
    if (!this.#stop.signal.aborted) this.#end("closed");
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const update = this.#updates.shift();
      if (update) {
        yield update;
        if (update.kind === "ended") return;
      } else {
        await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
      }
    }
  }

  /** @param {Update} update */
  #tell(update) {
    if (this.#stop.signal.aborted && update.kind !== "ended") return;
    this.#updates.push(update);
    this.#wake?.();
  }

  /** @param {string} why */
  #end(why) {
    this.#stop.abort();
    this.#tell({ kind: "ended", why });
    for (const { reject } of this.#open.values()) reject(new Error(why));
    this.#open.clear();
  }

  async #run() {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const parted = await this.#connection().catch((error) =>
        error instanceof Parted ? error : new Parted(error.message ?? String(error)),
      );
      this.#say = undefined;
      if (signal.aborted) return;
      if (parted.what.forget) this.#order.position = undefined;
      if (parted.what.final) return this.#end(parted.message);
      const pause = pauseAfter(this.#failures, Math.random());
      this.#failures += 1;
      if (!parted.what.quiet) this.#tell({ kind: "lost", why: parted.message, pause });
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)));
      });
    }
  }

  /** One connection; it always ends with a Parted. @returns {Promise<Parted>} */
  async #connection() {
    this.#credentials = (await this.#options.signIn?.()) ?? {};
    if (!this.#streams && (await this.#socket())) await this.#whyNoSocket();
    if (this.#streams) await this.#stream();
    return new Parted("no connection");
  }

  #address(/** @type {string} */ path) {
    return new URL(`/v1/auctions/${this.#options.auction}${path}`, this.#options.server);
  }

  #socketAddress() {
    const address = this.#address("/live");
    address.protocol = address.protocol.replace("http", "ws");
    const { position } = this.#order;
    if (position) address.searchParams.set("after", String(position.seq));
    if (position) address.searchParams.set("epoch", position.epoch);
    if (this.#credentials.ticket) address.searchParams.set("ticket", this.#credentials.ticket);
    return address;
  }

  /** A socket until its end; true when it was never open. */
  #socket() {
    const { token } = this.#credentials;
    const protocols = token ? ["ecomauction.v1", `bearer.${token}`] : ["ecomauction.v1"];
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    const socket = new Socket(this.#socketAddress(), protocols);
    return new Promise((resolve, reject) => {
      let opened = false;
      /** @type {ReturnType<typeof setTimeout>} */
      let silence;
      const part = (/** @type {Error} */ why) => {
        clearTimeout(silence);
        clearInterval(asking);
        socket.close();
        reject(why);
      };
      // A browser does not show pings: the answers to these questions show life.
      const hear = () => {
        clearTimeout(silence);
        silence = setTimeout(() => part(new Parted("nothing was heard for too long")), SILENCE_MS);
      };
      const asking = setInterval(() => this.#askTime(), TIME_EVERY_MS);
      this.#stop.signal.addEventListener("abort", () => part(new Parted("closed")), { once: true });
      hear();
      socket.onopen = () => (opened = true);
      socket.onmessage = ({ data }) => {
        hear();
        try {
          this.#take(JSON.parse(data), (text) => socket.send(text));
        } catch (error) {
          part(/** @type {Error} */ (error));
        }
      };
      socket.onclose = ({ code }) => {
        const { why, final, forget } = parting(code);
        if (opened) return part(new Parted(why, { final, forget }));
        clearTimeout(silence);
        clearInterval(asking);
        resolve(true);
      };
    });
  }

  /** @param {any} frame @param {(text: string) => void} say */
  #take(frame, say) {
    if (frame.type === "hello") {
      const known = this.#order.position;
      // Its close code says the same, after frames that mean nothing to us any more.
      if (known && known.epoch !== frame.epoch) {
        throw new Parted("history was rewritten", { forget: true });
      }
      this.#order.hello(frame.epoch, frame.seq, frame.resumed === true);
      const { seq, auction } = frame;
      this.#tell({ kind: "hello", resumed: frame.resumed === true, seq, auction });
      this.#failures = 0;
      this.#say = say;
      this.#askTime();
      for (const [id, { bid }] of this.#open) this.#send(id, bid);
    } else if (frame.type === "event") {
      const { seq, event, time, data } = frame;
      if (this.#order.event(seq)) this.#tell({ kind: "event", seq, event, time, data });
    } else if (frame.type === "reply") {
      this.#answered(frame.command_id, { status: frame.status, body: frame.body });
    } else if (frame.type === "outbid") {
      const { seq, price, next_minimum, ends_at } = frame;
      this.#tell({ kind: "outbid", seq, price, next_minimum, ends_at });
    } else if (frame.type === "time") {
      // What the server says by itself has no round trip: it is asked.
      if (typeof frame.t0 === "number") this.#clock.take(frame.t0, frame.t1, frame.t2, deviceNow());
      else this.#askTime();
    } else if (frame.type === "error") {
      this.#tell({ kind: "complaint", code: frame.code, detail: frame.detail });
    }
  }

  #askTime() {
    this.#say?.(JSON.stringify({ type: "time", t0: Math.floor(deviceNow()) }));
  }

  /** @param {string} id @param {Reply} reply */
  #answered(id, reply) {
    this.#open.get(id)?.resolve(reply);
    this.#open.delete(id);
  }

  /** @param {string} id @param {Bid} bid */
  #send(id, bid) {
    if (this.#streams) this.#post(id, bid);
    else this.#say?.(JSON.stringify({ type: "bid", command_id: id, ...bid }));
  }

  /** A browser does not tell why an upgrade failed: the same address is asked without one. */
  async #whyNoSocket() {
    const answer = await this.#get(this.#address("/live"), {});
    await answer.body?.cancel();
    if (answer.status === 426 && !answer.headers.get("upgrade")) this.#streams = true;
    else if ([401, 403, 404].includes(answer.status)) {
      throw new Parted(`refused with ${answer.status}`, { final: true });
    } else throw new Parted("the upgrade failed");
  }

  /** @param {URL} address @param {Record<string, string>} headers */
  #get(address, headers) {
    const { token } = this.#credentials;
    if (token) headers.authorization = `Bearer ${token}`;
    return this.#fetch(address, { headers, signal: this.#stop.signal });
  }

  /** The event stream until it ends, which it does by itself after some minutes. */
  async #stream() {
    const asked = deviceNow();
    const view = await this.#get(this.#address(""), {});
    if (view.status !== 200) this.#refused(view);
    const auction = await view.json();
    const served = Date.parse(auction.server_time);
    this.#clock.take(asked, served, served, deviceNow());
    const resumed = this.#order.position !== undefined;
    if (!resumed) this.#order.hello("", auction.seq, false);
    const { seq } = /** @type {Position} */ (this.#order.position);
    const answer = await this.#get(this.#address("/events"), {
      accept: "text/event-stream",
      "last-event-id": String(seq),
    });
    if (answer.status !== 200) this.#refused(answer);
    this.#tell({ kind: "hello", resumed, seq, auction });
    for (const [id, { bid }] of this.#open) this.#send(id, bid);
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    const [decoder, parser] = [new TextDecoder(), new StreamParser()];
    try {
      for (;;) {
        const { done, value } = await inTime(reader.read());
        if (done) throw new Parted("the stream ended", { quiet: true });
        this.#failures = 0;
        for (const { data } of parser.feed(decoder.decode(value, { stream: true }))) {
          this.#take({ type: "event", ...JSON.parse(data) }, () => {});
        }
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  /** @param {Response} answer @returns {never} */
  #refused(answer) {
    const final = answer.status < 500 && answer.status !== 429;
    throw new Parted(`refused with ${answer.status}`, { final });
  }

  /** Over HTTP a bid's id is its idempotency key: the same space as on a socket.
   * @param {string} id @param {Bid} bid */
  async #post(id, bid) {
    const headers = { "content-type": "application/json", "idempotency-key": id };
    const open = this.#open.get(id);
    if (!open || open.posted) return;
    open.posted = true;
    for (let failures = 0; this.#open.has(id); failures += 1) {
      try {
        const { token } = this.#credentials;
        const answer = await this.#fetch(this.#address("/bids"), {
          method: "POST",
          headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers,
          body: JSON.stringify(bid),
          signal: this.#stop.signal,
        });
        return this.#answered(id, { status: answer.status, body: await answer.json() });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pauseAfter(failures, Math.random())));
      }
    }
  }
}

/** @template T @param {Promise<T>} reading @returns {Promise<T>} */
function inTime(reading) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Parted("nothing was heard for too long"));
    const timer = setTimeout(late, SILENCE_MS);
    reading.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** A clock that nobody sets while the page is open. */
function deviceNow() {
  return performance.timeOrigin + performance.now();
}

const SILENCE_MS = 60_000;
const TIME_EVERY_MS = 15_000;
