// Every page: readable for everybody, light and dark, small, quick, and without a word to others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Platform, bid, judge, list, member, open, text, visitor } from "../stage.mjs";

let [platform, browser, ana, bob, id] = [];

before(async () => {
  browser = await open();
  platform = await Platform.start();
  ana = await member(browser, platform, "Ana", { bypassCSP: true });
  bob = await member(browser, platform, "Bob", { bypassCSP: true });
  id = await list(ana, { title: "A watch", start_price: "10.00", description: "Runs.\n\nTicks." });
  await bob.goto(`/auctions/${id}`);
  await bid(bob, "20.00");
  await bob.waitForSelector("#standing:has-text('You lead')");
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

const pages = () => [
  "/", "/search?q=watch", "/search?min=abc", `/auctions/${id}`, `/auctions/${id}/rules`,
  `/auctions/${id}/proof`, "/sandbox", "/sell", `/sell/${id}`, "/my/auctions", "/my/bids",
  "/my/watches", "/account", "/sign-in", "/sign-up", "/confirm", "/password",
  "/auctions/auc_01m8dh4qtsf4g99vw45jgr0hdr", "/nowhere",
];

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on any page, ${colorScheme}`, async () => {
    for (const page of [ana, bob]) {
      await page.emulateMedia({ colorScheme });
      for (const path of pages().filter((path) => path !== "/nowhere")) {
        await page.goto(path);
        await judge(page);
      }
    }
  });
}

test("no page scrolls sideways on a telephone", async () => {
  await bob.setViewportSize({ width: 360, height: 740 });
  for (const path of pages().slice(0, -1)) {
    await bob.goto(path);
    const wide = await bob.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
  }
  await bob.setViewportSize({ width: 1280, height: 800 });
});

test("pages ask nobody else, and their policy is kept", async () => {
  const page = await visitor(browser, platform);
  const asked = new Set();
  page.on("request", (request) => asked.add(new URL(request.url()).origin));
  for (const path of pages().slice(0, -1)) await page.goto(path);
  assert.deepEqual([...asked], [platform.base]);
  assert.deepEqual(page.complaints, []);
});

test("the room is small, quick on a slow processor, and stands still", async () => {
  const page = await visitor(browser, platform, { viewport: { width: 412, height: 823 } });
  const client = await page.context().newCDPSession(page);
  await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await client.send("Network.enable");
  let bytes = 0;
  client.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(`/auctions/${id}`);
  await page.waitForSelector("#connection:has-text('Live')");
  await page.waitForLoadState("networkidle");
  const painted = await page.evaluate(() =>
    performance.getEntriesByName("first-contentful-paint")[0].startTime);
  const shift = await page.evaluate(() => globalThis.shift);
  console.log(`first paint ${Math.round(painted)} ms, ${bytes} bytes, layout shift ${shift}`);
  assert.ok(bytes <= 100_000, `${bytes} bytes`);
  assert.ok(shift <= 0.05, `layout shift ${shift}`);
});

test("an auction is verified in the browser, and a wrong receipt is found out", async () => {
  const page = await visitor(browser, platform);
  await page.goto(`/auctions/${id}/proof`);
  await page.click("main button:has-text('Verify')");
  await page.waitForSelector("#verdict p.good");
  assert.deepEqual(page.complaints, []);
});

test("the sandbox plays an auction on the machine of the platform", async () => {
  const page = await visitor(browser, platform);
  await page.goto("/sandbox");
  await page.click("main button:has-text('Run')");
  await page.waitForSelector("main :text('B2.4')");
  assert.deepEqual(page.complaints, []);
});

test("a picture is sent by the form and by the drop zone", async () => {
  const png = await ana.screenshot();
  await ana.goto(`/sell/${id}`);
  await ana.setInputFiles("main input[type=file]", { name: "a.png", mimeType: "image/png", buffer: png });
  const send = ana.locator("main button:has-text('Send'), main button:has-text('Upload')").first();
  if (await send.isVisible()) await send.click();
  await ana.waitForSelector("main img");
  await bob.goto(`/auctions/${id}`);
  await bob.waitForSelector(".pictures img");
  const loaded = await bob.$eval(".pictures img", async (image) => {
    await image.decode();
    return image.naturalWidth;
  });
  assert.ok(loaded > 0);
  assert.match(await text(bob, "h1"), /A watch/);
});
