// Without script, on a telephone: everything that matters works by forms.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Platform, bid, list, member, open, text, visitor } from "../stage.mjs";

let [platform, browser] = [];
const plain = { javaScriptEnabled: false, viewport: { width: 390, height: 844 } };

before(async () => {
  browser = await open();
  platform = await Platform.start();
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

test("a thing is listed, bid on, bought and looked at without script", async () => {
  const ana = await member(browser, platform, "Ana", plain);
  const bob = await member(browser, platform, "Bob", plain);
  const cyn = await member(browser, platform, "Cyn", plain);
  const id = await list(ana, { title: "A <b>lamp</b> & more", start_price: "10.00" });
  await ana.goto("/my/auctions");
  assert.match(await text(ana, "main"), /A <b>lamp<\/b> & more/, "text stays text");
  await bob.goto(`/auctions/${id}`);
  await bid(bob, "50");
  assert.match(await text(bob, "#standing"), /You lead\..*B2\.4/);
  assert.match(await text(bob, "#standing"), /Your receipt/);
  await cyn.goto(`/auctions/${id}`);
  await bid(cyn, "20.00");
  assert.match(await text(cyn, "#standing"), /outbid/);
  await bid(cyn, "9");
  assert.match(await text(cyn, "#standing"), /least that is taken now/);
  await bid(cyn, "5000");
  await cyn.click("#bid button");
  assert.match(await text(cyn, "#standing"), /You lead/);
  await bid(cyn, "60");
  assert.match(await text(cyn, "#standing"), /least that is taken now: 5,000\.01 USD/);
  await bob.goto("/my/bids");
  assert.match(await text(bob, "main"), /You are outbid/);
  await bob.goto(`/auctions/${id}`);
  await bob.click("button:has-text('Watch this auction')");
  assert.match(await text(bob, "main"), /You watch this auction/);
  await bob.goto("/my/watches");
  assert.match(await text(bob, "main"), /lamp/);
  await bob.click("header button:has-text('Sign out')");
  await bob.goto("/my/bids");
  assert.match(bob.url(), /sign-in\?next=/);
});

test("what is hidden reaches nobody but its owner", async () => {
  const ana = await member(browser, platform, "Dora");
  const bob = await member(browser, platform, "Emil");
  const id = await list(ana, { title: "Secrets", start_price: "10.00", reserve_price: "987.65" });
  await bob.goto(`/auctions/${id}`);
  await bid(bob, "76.54");
  await bob.waitForSelector("#standing:has-text('You lead')");
  const eve = await visitor(browser, platform);
  const heard = [];
  eve.on("response", async (answer) => heard.push(await answer.text().catch(() => "")));
  eve.on("websocket", (socket) => socket.on("framereceived", (frame) => heard.push(String(frame.payload))));
  for (const path of ["", "/rules", "/proof"]) {
    await eve.goto(`/auctions/${id}${path}`);
    await eve.waitForLoadState("networkidle");
    heard.push(await eve.content());
  }
  await eve.goto(`/search?q=Secrets`);
  heard.push(await eve.content());
  const all = heard.join("\n");
  assert.match(all, /bid_placed|Secrets/);
  for (const secret of ["987.65", "98765", "76.54", "7654"]) {
    // Digests and salts are long runs of hexadecimal digits.
    const alone = new RegExp(`(?<![0-9a-f])${secret.replace(".", "\\.")}(?![0-9a-f])`);
    assert.doesNotMatch(all, alone, secret);
  }
  assert.match(await text(bob, "#standing"), /76\.54|You lead/, "its owner may see it");
});
