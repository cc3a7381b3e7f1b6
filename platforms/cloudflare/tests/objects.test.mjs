// What only this platform has: a queue that retries and gives up, objects that are put away, a cron
// trigger. node --test, on workerd, over the bundle in the folder that BUNDLE names.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { start } from "../local.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";
let state, worker, url;

before(async () => {
  state = mkdtempSync(join(tmpdir(), "objects-"));
  await begin();
});

after(async () => {
  await worker.dispose();
  rmSync(state, { recursive: true, force: true });
});

async function begin() {
  const variables = { platform_secret: SECRET, tick_token: SECRET, development: "true" };
  // A message that cannot be delivered is given up after one retry.
  const giveUpSoon = (options) => {
    options.queueConsumers["ecomauction-messages"].maxRetries = 1;
    options.queueConsumers["ecomauction-messages-dead"].maxBatchTimeout = 0;
  };
  worker = start(process.env.BUNDLE, state, 0, variables, giveUpSoon);
  url = await worker.ready;
}

async function call(method, path, { token, body, key } = {}) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers["idempotency-key"] = key;
  const answer = await fetch(new URL(path, url), { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : undefined };
}

async function eventually(what, look) {
  for (let tries = 0; tries < 400; tries += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what} did not happen`);
}

async function signUp(name) {
  const email = `${name}@example.com`;
  const account = { email, password: "correct horse battery", display_name: name };
  assert.equal((await call("POST", "/v1/accounts", { body: account })).status, 202);
  return eventually(`a letter to ${email}`, async () => {
    const { json } = await call("GET", `/_dev/mail?to=${encodeURIComponent(email)}`);
    return json.items[0];
  });
}

test("a letter arrives by outbox, queue and inbox, and the outbox is empty then", async () => {
  await signUp("ana");
  const tables = await worker.getD1Database("DATABASE");
  await eventually("an empty outbox", async () => {
    const left = await tables.prepare("select count(*) as n from edge_outbox").first("n");
    return left === 0;
  });
});

test("a parcel that nobody can take is retried, dies, and is kept; its neighbours arrive", async () => {
  const queue = await worker.getQueueProducer("MESSAGES");
  const parcel = { origin: "no object has this id", component: "nobody", lease: "l", messages: [] };
  await queue.send("no parcel at all");
  await queue.send(parcel);
  await queue.send({ ...parcel, component: "notifications" });
  await signUp("ben");
  const tables = await worker.getD1Database("DATABASE");
  const kept = await eventually("a parcel that is kept", async () => {
    const rows = await tables.prepare("select component, why from edge_undelivered").all();
    return rows.results.length > 0 && rows.results;
  });
  assert.deepEqual(kept, [{ component: "nobody", why: "there is no component nobody" }]);
});

async function listing(seconds) {
  const tokens = {};
  for (const user of ["seller", "bidder"]) {
    tokens[user] = (await call("POST", "/_dev/token", { body: { user } })).json.access_token;
  }
  const body = {
    title: "A lamp",
    format: "english",
    increments: "ebay_us",
    start_price: { amount: 1_000, currency: "USD" },
    duration_seconds: seconds,
    soft_close: { mode: "off" },
  };
  const key = `list-${seconds}`;
  const made = await call("POST", "/v1/auctions", { token: tokens.seller, key, body });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const bid = { amount: { amount: 1_500, currency: "USD" } };
  const path = `/v1/auctions/${made.json.id}`;
  const placed = await call("POST", `${path}/bids`, { token: tokens.bidder, key: "b", body: bid });
  assert.equal(placed.status, 201, JSON.stringify(placed.json));
  return made.json.id;
}

test("an alarm that was missed rings after a restart, and closes the auction", async () => {
  const id = await listing(5);
  await worker.dispose();
  await new Promise((resolve) => setTimeout(resolve, 5_200));
  await begin();
  // Nobody asks for the auction: its row changes by its own alarm, and the letter goes out.
  const sold = await eventually("a letter to the winner", async () => {
    const { json } = await call("GET", "/_dev/mail");
    return json.items.find((letter) => letter.subject.startsWith("You won"));
  });
  assert.ok(sold);
  const events = (await call("GET", `/v1/auctions/${id}/events`)).json.items;
  assert.equal(events.filter((event) => event.event === "auction_closed").length, 1);
});

test("objects that were put away are as they were", async () => {
  const id = await listing(60);
  const before = (await call("GET", `/v1/auctions/${id}`)).json;
  const name = `auction/${id}`;
  await worker.unsafeEvictDurableObject("ecomauction", "EntityObject", { name });
  await worker.unsafeEvictDurableObject("ecomauction", "InboxObject", { name: "identity" });
  const after = (await call("GET", `/v1/auctions/${id}`)).json;
  assert.deepEqual({ ...after, server_time: 0 }, { ...before, server_time: 0 });
  await signUp("cyn");
});

test("messages that the queue forgot are sent again", async () => {
  // A row that no parcel told of, as after a crash between the batch and the queue.
  const tables = await worker.getD1Database("DATABASE");
  const row = "insert into edge_outbox (component, topic, key, message_id, source, time, body) values (?, ?, ?, ?, ?, ?, ?)";
  const cells = ["identity", "identity.letter-due.v1", "k", "lost", "/components/identity", Date.now(), "{}"];
  await tables.prepare(row).bind(...cells).run();
  await (await worker.getWorker()).scheduled({ cron: "* * * * *" });
  await eventually("the lost row is read", async () => {
    const left = await tables.prepare("select count(*) as n from edge_outbox").first("n");
    return left === 0;
  });
});

test("a page of a log that is full is kept, and read from where it is kept", async () => {
  const id = await listing(61);
  const path = `/v1/auctions/${id}/events`;
  const pages = await worker.getKVNamespace("PAGES");
  const short = (await call("GET", path)).json.items;
  assert.deepEqual((await pages.list()).keys, [], "what grows is not kept");
  const signIn = async (user) =>
    (await call("POST", "/_dev/token", { body: { user } })).json.access_token;
  const [rival, bidder] = [await signIn("rival"), await signIn("bidder")];
  for (let n = 0; n < 20; n += 1) {
    const body = { amount: { amount: 2_000 + 500 * n, currency: "USD" } };
    const token = n % 2 === 0 ? rival : bidder;
    const placed = await call("POST", `/v1/auctions/${id}/bids`, { token, key: `n-${n}`, body });
    assert.equal(placed.status, 201, JSON.stringify(placed.json));
  }
  const first = (await call("GET", path)).json;
  assert.ok(first.next_cursor);
  assert.deepEqual(first.items.slice(0, short.length), short);
  const { keys } = await pages.list();
  assert.deepEqual(keys.map((key) => key.name), [`log/1/auction/${id}/0`]);
  assert.deepEqual((await call("GET", path)).json.items, first.items);
  // What stands there is what is told, if it can be that page.
  const bytes = new Uint8Array(await pages.get(keys[0].name, "arrayBuffer"));
  bytes[new TextDecoder("latin1").decode(bytes).indexOf('"seq":') + 1] = "S".charCodeAt(0);
  await pages.put(keys[0].name, bytes);
  assert.equal((await call("GET", path)).json.items[0].Seq, 1);
  await pages.put(keys[0].name, new Uint8Array([0]));
  assert.deepEqual((await call("GET", path)).json.items, first.items);
});

test("a flood from one address is told to wait", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flood-"));
  const variables = { platform_secret: SECRET, development: "true" };
  const flooded = start(process.env.BUNDLE, folder, 0, variables, (options) => {
    options.ratelimits.REQUESTS.simple.limit = 5;
  });
  const address = await flooded.ready;
  const answers = [];
  for (let tries = 0; tries < 8; tries += 1) {
    answers.push(await fetch(new URL("/v1/auctions", address)));
  }
  const refused = answers.filter((answer) => answer.status === 429);
  assert.ok(refused.length >= 2, answers.map((answer) => answer.status).join());
  assert.equal((await refused[0].json()).code, "rate_limited");
  assert.ok(Number(refused[0].headers.get("retry-after")) > 0);
  await flooded.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("operators see every queue with the token, and nobody without it", async () => {
  const shown = await call("GET", "/_edge/queues", { token: SECRET });
  assert.equal(shown.status, 200);
  const names = shown.json.items.map((item) => item.queue);
  assert.ok(names.includes("notifications/auction.outbid.v1"), names.join());
  assert.ok(names.includes("auctions/auction.closed.v1"), names.join());
  assert.equal((await call("GET", "/_edge/queues")).status, 404);
  assert.equal((await call("POST", "/_edge/tick", { token: SECRET })).status, 202);
});
