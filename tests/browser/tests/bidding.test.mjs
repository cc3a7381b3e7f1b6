// Two windows and an auction between them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Platform, bid, list, member, open, signIn, text, until } from "../stage.mjs";

let [platform, browser, ana, bob, cyn] = [];

before(async () => {
  browser = await open();
  platform = await Platform.start();
  ana = await member(browser, platform, "Ana");
  bob = await member(browser, platform, "Bob");
  cyn = await member(browser, platform, "Cyn");
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

/** Both look at a new auction; both hear it live. */
async function room(fields) {
  const id = await list(ana, { title: "A watch", start_price: "10.00", ...fields });
  for (const page of [bob, cyn]) {
    await page.goto(`/auctions/${id}`);
    await page.waitForSelector("#connection:has-text('Live')");
  }
  return id;
}

test("who is outbid hears it at once, and only the server says who leads", async () => {
  await room();
  await bid(bob, "50.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
  assert.equal(await text(bob, "#price"), "10.00 USD");
  assert.match(await text(bob, "#standing"), /B2\.4/);
  await cyn.waitForSelector("#history li");
  await bid(cyn, "60.00");
  await cyn.waitForSelector("#standing:has-text('You lead')");
  const answered = performance.now();
  await bob.waitForSelector("#standing:has-text('outbid')");
  console.log(`outbid, ${Math.round(performance.now() - answered)} ms after the other knew`);
  for (const page of [bob, cyn]) {
    await until("both see the price", async () => (await text(page, "#price")) === "51.00 USD");
    assert.equal(await text(page, "#count"), "2");
    assert.deepEqual(page.complaints, []);
  }
});

test("the notice comes within a second", async () => {
  await room();
  let fastest = Infinity;
  // A busy machine may be late once; a slow notice is late each time.
  for (let round = 0; round < 3; round += 1) {
    const [first, second] = round % 2 === 0 ? [bob, cyn] : [cyn, bob];
    await bid(first, `${20 + 40 * round}.00`);
    await first.waitForSelector("#standing:has-text('You lead')");
    await bid(second, `${40 + 40 * round}.00`);
    const sent = performance.now();
    await first.waitForSelector("#standing:has-text('outbid')");
    fastest = Math.min(fastest, performance.now() - sent);
  }
  console.log(`the fastest of three notices took ${Math.round(fastest)} ms`);
  assert.ok(fastest <= 1_000, `${fastest} ms`);
});

test("who leads is told what would be taken of the leader, not of others", async () => {
  await room();
  await bid(bob, "32.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
  await bid(bob, "12.00");
  await bob.waitForSelector("#problem.bad");
  const said = await text(bob, "#problem");
  assert.match(said, /32\.01 USD/);
  assert.doesNotMatch(said, /10\.50/);
});

test("what is too low is refused with what would be taken, and nothing changes", async () => {
  await room();
  await bid(bob, "9.99");
  await bob.waitForSelector("#problem.bad");
  assert.match(await text(bob, "#problem"), /10\.00 USD/);
  assert.equal(await text(bob, "#count"), "0");
});

test("an amount that looks like a slip is asked about", async () => {
  await room();
  await bid(bob, "1000.00");
  await bob.click("#bid button:has-text('Yes')");
  await bob.waitForSelector("#standing:has-text('You lead')");
  assert.equal(await text(bob, "#price"), "10.00 USD");
});

test("a late bid moves the end, for everybody", async () => {
  const id = await room({
    duration_seconds: "25",
    soft_close: "reset",
    soft_close_window: "60",
    soft_close_extension: "60",
  });
  const planned = await text(cyn, "#end");
  await bid(bob, "20.00");
  await until("the end moved", async () => (await text(cyn, "#end")) !== planned);
  const view = await (await fetch(`${platform.base}/v1/auctions/${id}`)).json();
  assert.notEqual(view.ends_at, view.scheduled_end);
});

test("a killed server comes back, and so does the room", async () => {
  await room();
  await bid(bob, "30.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
  await platform.kill();
  await bob.waitForSelector("#connection:has-text('again')");
  await platform.restart();
  await bob.waitForSelector("#connection:has-text('Live')", { timeout: 40_000 });
  await cyn.waitForSelector("#connection:has-text('Live')", { timeout: 40_000 });
  await bid(cyn, "40.00");
  await bob.waitForSelector("#standing:has-text('outbid')");
  assert.equal(await text(bob, "#price"), "31.00 USD");
});

test("a session that ends while somebody bids is renewed, or asked for again", async () => {
  const id = await room();
  const cookies = async (keep) => {
    const all = (await bob.context().cookies()).filter(keep);
    await bob.context().clearCookies();
    await bob.context().addCookies(all);
  };
  await cookies(({ name }) => !name.endsWith("access"));
  await bid(bob, "20.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
  await cookies(({ name }) => name.endsWith("visitor"));
  await bid(bob, "30.00");
  const again = bob.locator("main a:has-text('Sign in')").first();
  await again.click();
  await bob.waitForURL(/\/sign-in/);
  await signIn(bob);
  await bob.waitForURL(new RegExp(id));
  assert.equal(await bob.inputValue("#amount"), "30.00");
  assert.equal(await text(bob, "#count"), "1", "nothing was bid meanwhile");
});

test("it ends in both windows, and whoever won is told so", async () => {
  const id = await room({ duration_seconds: "8", soft_close: "off" });
  await bid(cyn, "20.00");
  await cyn.waitForSelector("#standing:has-text('You lead')");
  await bid(bob, "30.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
  for (const page of [bob, cyn]) {
    await page.waitForSelector("main .result:has-text('Sold for 20.50')", { timeout: 40_000 });
  }
  assert.match(await text(bob, "#standing"), /You won/);
  assert.match(await text(cyn, "#standing"), /did not win/);
  await ana.goto(`/sell/${id}`);
  assert.match(await text(ana, "main"), /20\.50 USD/);
});
