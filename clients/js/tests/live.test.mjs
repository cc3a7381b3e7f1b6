// The client against servers that misbehave: node --test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, Gap, Order, StreamParser, parting, pauseAfter, watch } from "../ecomauction.js";
import { serve } from "./server.mjs";

const AUCTION = "auc_01kb0xjh00f2dah4fvkbxz0q5m";
const hello = (seq, resumed, epoch = "e") => ({
  type: "hello", epoch, seq, resumed, server_time: "2026-11-26T12:00:00.000Z", auction: { seq },
});
const event = (seq) => ({
  type: "event", seq, event: "bid_placed", time: "2026-11-26T12:00:00.000Z", data: { at: seq },
});

/** The numbers of events until one is there. */
async function numbersUntil(live, last) {
  const [seqs, lost] = [[], []];
  for await (const update of live) {
    if (update.kind === "event") seqs.push(update.seq);
    if (update.kind === "lost") lost.push(update.why);
    if (update.kind === "ended") assert.fail(update.why);
    if (update.seq === last && update.kind === "event") return { seqs, lost };
  }
}

test("the quickest of the last eight samples sets the clock", () => {
  const clock = new Clock();
  assert.equal(clock.offset, undefined);
  clock.take(0, 1_002, 1_007, 9);
  for (let slow = 0; slow < 7; slow += 1) clock.take(0, 1_100, 1_105, 105);
  assert.equal(clock.offset, 1_000);
  clock.take(0, 1_090, 1_095, 95);
  assert.equal(clock.offset, 1_045);
  clock.take(10, 0, 50, 20);
  assert.equal(clock.offset, 1_045, "an answer before its question is no sample");
});

test("pauses double from half a second to half a minute", () => {
  const pauses = [0, 1, 2, 5, 6, 40].map((failures) => pauseAfter(failures, 1));
  assert.deepEqual(pauses, [500, 1_000, 2_000, 16_000, 30_000, 30_000]);
  assert.equal(pauseAfter(3, 0.25), 1_000);
});

test("each number is taken once and none is left out", () => {
  const order = new Order();
  assert.throws(() => order.event(1), Gap);
  order.hello("e", 7, false);
  assert.deepEqual([order.event(8), order.event(8), order.event(9)], [true, false, true]);
  assert.throws(() => order.event(11), Gap);
  assert.equal(order.event(10), true, "a gap moves nothing");
  assert.throws(() => order.hello("e", 11, true), Gap);
  assert.throws(() => order.hello("e", 3, false), Gap);
  order.hello("f", 3, false);
  assert.equal(order.event(4), true);
});

test("close codes say whether to come back", () => {
  const finals = [4003, 4004, 1009].map((code) => parting(code).final);
  const again = [4000, 4001, 4008, 4009, 4029, 1006].map((code) => parting(code).final);
  assert.deepEqual([finals, again], [Array(3).fill(true), Array(6).fill(false)]);
  assert.equal(parting(4009).forget, true);
});

test("an event stream may come in any pieces", () => {
  const text = ': still here\n\nid: 8\nevent: bid_placed\ndata: {"a":\ndata: 1}\n\nid: 9\ndata: x\n\n';
  const expected = [
    { id: "8", event: "bid_placed", data: '{"a":\n1}' },
    { id: "9", event: "message", data: "x" },
  ];
  for (const size of [1, 7, 1_000]) {
    const parser = new StreamParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) {
      found.push(...parser.feed(text.slice(at, at + size)));
    }
    assert.deepEqual(found, expected);
  }
});

test("a cut, a repeat and a gap leave every event once and in order", async () => {
  const asked = [];
  const acts = [
    (socket) => (socket.say(hello(1, false)), socket.say(event(2)), socket.connection.destroy()),
    (socket) => (socket.say(hello(2, true)), [2, 3, 3, 5].forEach((seq) => socket.say(event(seq)))),
    (socket) => (socket.say(hello(3, true)), [4, 5, 6].forEach((seq) => socket.say(event(seq)))),
  ];
  const onSocket = (socket, request) => {
    asked.push(new URL(request.url, "http://x").search);
    acts.shift()?.(socket);
  };
  const server = await serve({ onSocket });
  const live = watch({ server: server.url, auction: AUCTION });
  const { seqs, lost } = await numbersUntil(live, 6);
  live.close();
  server.stop();
  assert.deepEqual(seqs, [2, 3, 4, 5, 6]);
  assert.deepEqual(asked, ["", "?after=2&epoch=e", "?after=3&epoch=e"]);
  assert.match(lost[1], /event 5 came where 4 was due/);
});

test("a bid is sent again with its id until its one reply came", async () => {
  const heard = [];
  const protocols = [];
  const onSocket = (socket, request) => {
    protocols.push(request.headers["sec-websocket-protocol"]);
    socket.say(hello(1, heard.length > 0));
    socket.onText = (frame) => {
      if (frame.type !== "bid") return;
      heard.push(frame.command_id);
      if (heard.length === 1) return socket.connection.destroy();
      const reply = { type: "reply", command_id: frame.command_id, status: 201, body: { seq: 2 } };
      socket.say(reply);
      socket.say({ ...reply, status: 500 });
    };
  };
  const server = await serve({ onSocket });
  const signIn = async () => ({ token: "a.b.c" });
  const live = watch({ server: server.url, auction: AUCTION, signIn });
  const reply = await live.bid({ amount: { amount: 1_500, currency: "USD" } });
  live.close();
  server.stop();
  assert.deepEqual(reply, { status: 201, body: { seq: 2 } });
  assert.equal(heard.length, 2);
  assert.equal(heard[0], heard[1]);
  assert.match(protocols[0], /^ecomauction\.v1, ?bearer\.a\.b\.c$/);
});

test("another epoch makes the client forget, a gone auction makes it stop", async () => {
  const asked = [];
  const onSocket = (socket, request) => {
    asked.push(new URL(request.url, "http://x").search);
    if (asked.length === 1) {
      socket.say(hello(9, true, "f"));
      return socket.close(4009);
    }
    socket.say(hello(2, false, "f"));
    socket.close(4004);
  };
  const server = await serve({ onSocket });
  const live = watch({ server: server.url, auction: AUCTION, position: { epoch: "e", seq: 9 } });
  const kinds = [];
  for await (const { kind } of live) kinds.push(kind);
  server.stop();
  assert.deepEqual(kinds, ["lost", "hello", "ended"]);
  assert.deepEqual(asked, ["?after=9&epoch=e", ""]);
  assert.deepEqual(live.position, { epoch: "f", seq: 2 });
});

test("without sockets the same events come from the stream, and bids go over HTTP", async () => {
  const [streams, keys] = [[], []];
  const onRequest = (request, answer) => {
    if (request.url.endsWith("/live")) return answer.writeHead(426).end("{}");
    if (request.url.endsWith("/bids")) {
      keys.push(request.headers["idempotency-key"]);
      if (keys.length === 1) return request.socket.destroy();
      return answer.writeHead(201).end('{"seq":4}');
    }
    if (!request.url.endsWith("/events")) {
      return answer.end('{"seq":1,"server_time":"2026-11-26T12:00:00.000Z"}');
    }
    streams.push(request.headers["last-event-id"]);
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const { type, ...item } = event(streams.length + 1);
    const data = JSON.stringify(item);
    answer.write(`: here\n\nid: ${item.seq}\nevent: ${item.event}\ndata: ${data}\n\n`);
    if (streams.length < 3) answer.end();
  };
  const server = await serve({ onRequest });
  const signIn = async () => ({ token: "a.b.c" });
  const live = watch({ server: server.url, auction: AUCTION, signIn });
  const bid = live.bid({ amount: { amount: 1_500, currency: "USD" } });
  const { seqs } = await numbersUntil(live, 4);
  assert.deepEqual(await bid, { status: 201, body: { seq: 4 } });
  assert.equal(typeof live.now, "number");
  live.close();
  server.stop();
  assert.deepEqual(seqs, [2, 3, 4]);
  assert.deepEqual(streams, ["1", "2", "3"]);
  assert.equal(new Set(keys).size, 1);
});
