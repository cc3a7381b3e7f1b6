// What the scripts of the room hand each other. Only editors and type checkers read this file.

/** Minor units and a currency. */
export type Money = { amount: number; currency: string };

/** An event of the public log. */
export type Happened = { seq: number; event: string; time: string; data: any };

/** Where the visitor stands, as the server said last. `in`: sealed. */
export type Standing = "leading" | "outbid" | "in" | "won" | null;

/** What was said about the visitor's last bid. */
export type Word = { seq: number; outcome: string; explanation: { rule: string; text: string } };

/** What is known of an auction: `#state` of the page, and what happened since. */
export type Lot = {
  id: string;
  format: string;
  status: string;
  start_price: Money;
  price: Money | null;
  next_minimum: Money | null;
  next_maximum: Money | null;
  buy_now_price: Money | null;
  bid_count: number;
  bidder_count: number;
  leader: string | null;
  reserve: string;
  increments: { from: number; step: number }[];
  dutch: { floor_price: Money; decrement: Money; tick_seconds: number } | null;
  starts_at: string;
  ends_at: string;
  server_time: string;
  /** The last event that was followed. */
  seq: number;
  exponent: number;
  /** The visitor's alias. */
  me: string | null;
  my_max: Money | null;
  /** The event that the prices are of. */
  told: number;
  /** The event that the leader is of. */
  led: number;
  standing: Standing;
  /** The event that the standing is of. */
  stoodAt: number;
  word: Word | null;
  /** The event of the visitor's bid, which tells the alias. */
  mine: number | null;
  /** Events and their bidders, newest last. */
  recent: [number, string][];
  /** The highest number of an alias so far: they are numbered as bidders come. */
  highest: number;
};

/** A price from an instant on: milliseconds since 1970 and minor units. */
export type Point = { at: number; price: number };

/** Status and body of an answer; status 0: none came. */
export type Answer = { status: number; body: any };
