// Forms that are refused, and forms whose session is over, as people meet them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Platform, judge, member, open, signIn, text } from "../stage.mjs";

let [platform, browser] = [];

before(async () => {
  browser = await open();
  platform = await Platform.start();
});

after(async () => {
  await browser?.close();
  await platform?.stop();
});

/** What the session was known by is gone; what forms are known by stays. */
async function loseSession(page) {
  const all = await page.context().cookies();
  await page.context().clearCookies();
  await page.context().addCookies(all.filter(({ name }) => name.endsWith("visitor")));
}

const LISTING = {
  title: "A \"lamp\" & <b>more</b>",
  description: "It burns.\n\nSince 1931.",
  start_price: "12.50",
  reserve_price: "20",
};

async function write(page) {
  await page.goto("/sell");
  for (const [name, value] of Object.entries(LISTING)) await page.fill(`#${name}`, value);
  await page.selectOption("#duration", "3600");
}

test("a refused form says so in its title, and the focus is on why", async () => {
  const ana = await member(browser, platform, "Ana", { bypassCSP: true });
  await write(ana);
  await ana.fill("#start_price", "ten");
  await ana.click("main button:has-text('List it')");
  assert.match(await ana.title(), /^Error: Sell something/);
  await ana.waitForSelector("main [role=alert]:focus");
  await judge(ana);
  await ana.keyboard.press("Tab");
  await ana.waitForSelector("main a[href='#start_price']:focus");
  await ana.goto("/search?min=abc&max=12");
  assert.match(await ana.title(), /^Error: /);
  await ana.waitForSelector("main [role=alert]:focus");
  assert.match(await text(ana, "#min-wrong"), /an amount such as 12\.50/);
  await judge(ana);
  await ana.goto("/account");
  await ana.fill("#current_password", "not this one");
  await ana.fill("#password", "long enough, too");
  await ana.click("main button:has-text('Change the password')");
  await ana.waitForSelector("main [role=alert]:focus");
  assert.equal(await ana.getAttribute("#current_password", "aria-invalid"), "true");
  await judge(ana);
  assert.deepEqual(ana.complaints, []);
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with script" : "without";
  test(`what was typed outlives the session, ${how}`, async () => {
    const name = javaScriptEnabled ? "Bob" : "Cyn";
    const page = await member(browser, platform, name, { javaScriptEnabled, bypassCSP: true });
    await write(page);
    await loseSession(page);
    await page.click("main button:has-text('List it')");
    assert.match(await text(page, "main [role=alert]"), /Nothing that you typed is lost/);
    if (javaScriptEnabled) await judge(page);
    await page.fill("[name=email]", page.email);
    await page.fill("[name=password]", "wrong by a word");
    await page.click("main button:has-text('Sign in')");
    await page.waitForSelector("main [role=alert]:not(:has-text('typed is lost'))");
    await signIn(page);
    for (const [field, value] of Object.entries(LISTING)) {
      assert.equal(await page.inputValue(`#${field}`), value, field);
    }
    assert.equal(await page.inputValue("#duration"), "3600");
    // Loaded again it is only shown again.
    await page.reload();
    assert.equal(await page.inputValue("#title"), LISTING.title);
    await page.click("main button:has-text('List it')");
    await page.waitForURL(/\/sell\/auc_/);
    await page.goto("/my/auctions");
    assert.equal(await page.locator("main .card").count(), 1, "it is listed once");
    assert.deepEqual(page.complaints, []);
  });
}
