// Signing in by another provider: there, back, and where somebody was going.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Provider } from "../provider.mjs";
import { Platform, judge, member, open, text, visitor } from "../stage.mjs";

let [platform, browser, provider] = [];
const GOOGLE = "main a:has-text('Continue with Google')";

before(async () => {
  browser = await open();
  provider = await Provider.open();
  platform = await Platform.start(provider.variables);
});

after(async () => {
  await browser?.close();
  await platform?.stop();
  provider?.close();
});

/** Goes to the provider and says something there. */
async function answers(page, word) {
  await page.click(GOOGLE);
  await page.waitForURL(`${provider.page}/authorize?**`);
  await page.click(`a:has-text('${word}')`);
  await page.waitForURL(`${platform.base}/**`);
}

/** Whose account it is, as the platform tells its owner. */
async function account(page) {
  await page.goto("/account");
  const exported = page.waitForEvent("download");
  await page.click("main a:has-text('Download')");
  const file = await (await exported).createReadStream();
  return JSON.parse(Buffer.concat(await file.toArray()).toString()).account;
}

test("the way leads over the provider and back to where somebody was going", async () => {
  const email = `nia-${platform.port}@example.com`;
  provider.person = { sub: "subject-1", email, name: "Nia" };
  const page = await visitor(browser, platform, { javaScriptEnabled: false });
  await page.goto("/my/watches");
  await answers(page, "Yes");
  assert.equal(page.url(), `${platform.base}/my/watches`);
  assert.equal(await text(page, "header a[href='/account']"), "Nia");
  const first = await account(page);
  assert.equal(first.email, email);

  // The subject says who it is, whatever its address is by then, and in whatever browser.
  provider.person = { sub: "subject-1", email: `other-${email}`, name: "Nia" };
  const again = await visitor(browser, platform);
  await again.goto("/sign-in?next=/my/bids");
  await answers(again, "Yes");
  assert.equal(again.url(), `${platform.base}/my/bids`);
  assert.equal((await account(again)).id, first.id);
  assert.deepEqual([...page.complaints, ...again.complaints, ...provider.complaints], []);
});

test("who has an account already proves once that it is its own", async () => {
  const ana = await member(browser, platform, "Ana");
  provider.person = { sub: "subject-2", email: ana.email, name: "Somebody" };
  const page = await visitor(browser, platform, { bypassCSP: true });
  await page.goto("/sign-in?next=/my/bids");
  await answers(page, "Yes");
  assert.match(page.url(), /\/sign-in\/return\?/);
  assert.match(await text(page, "main"), /we mailed you a code/);
  await judge(page);
  await page.fill("#code", "000000");
  await page.click("main button:has-text('Sign in')");
  await page.waitForSelector("main [role=alert]");
  await judge(page);
  await page.fill("#code", await platform.code(ana.email));
  await page.click("main button:has-text('Sign in')");
  await page.waitForURL(`${platform.base}/my/bids`);
  assert.equal(await text(page, "header a[href='/account']"), "Ana");
  assert.equal((await account(page)).id, (await account(ana)).id);
  assert.deepEqual([...page.complaints, ...provider.complaints], []);
});

test("who says no comes back to a page that says so", async () => {
  const page = await visitor(browser, platform, { bypassCSP: true });
  await page.goto("/sign-in?next=/my/bids");
  await answers(page, "No");
  assert.match(page.url(), /\/sign-in\/return\?/);
  assert.match(await text(page, "main [role=alert]"), /You did not let the provider/);
  assert.equal(await page.locator("header button:has-text('Sign out')").count(), 0);
  assert.equal(await page.inputValue("main [name=next]"), "/my/bids");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await judge(page);
  }
  // From there the way is open once more.
  provider.person = { sub: "subject-1", email: "nia@example.com", name: "Nia" };
  await answers(page, "Yes");
  await page.waitForSelector("header button:has-text('Sign out')");
  assert.equal(new URL(page.url()).pathname, "/my/bids");
  assert.deepEqual([...page.complaints, ...provider.complaints], []);
});

test("what was typed waits while somebody signs in in another tab", async () => {
  provider.person = { sub: "subject-1", email: "nia@example.com", name: "Nia" };
  const page = await visitor(browser, platform, { javaScriptEnabled: false });
  await page.goto("/sign-in?next=/sell");
  await answers(page, "Yes");
  await page.fill("#title", "A lamp");
  await page.fill("#start_price", "12.50");
  await page.context().clearCookies({ name: "ecomauction-access" });
  await page.context().clearCookies({ name: "ecomauction-refresh" });
  await page.click("main button:has-text('List it')");
  const opened = page.waitForEvent("popup");
  await page.click(GOOGLE);
  const tab = await opened;
  await tab.click("a:has-text('Yes')");
  await tab.waitForURL(`${platform.base}/?done=elsewhere`);
  assert.match(await text(tab, "main [role=status]"), /waits in the other tab/);
  await page.click("main button:has-text('in another tab')");
  assert.equal(await page.inputValue("#title"), "A lamp");
  assert.equal(await text(page, "header a[href='/account']"), "Nia");
  assert.deepEqual([...page.complaints, ...provider.complaints], []);
});

test("a way back that another browser went lets nobody in", async () => {
  provider.person = { sub: "subject-1", email: "nia@example.com", name: "Nia" };
  const [page, other] = [await visitor(browser, platform), await visitor(browser, platform)];
  await page.goto("/sign-in");
  await page.click(GOOGLE);
  await page.waitForURL(`${provider.page}/authorize?**`);
  const back = await page.getAttribute("a:has-text('Yes')", "href");
  await other.goto(back);
  assert.equal(await other.locator("header button:has-text('Sign out')").count(), 0);
});

test("where no provider is set up there is no button", async () => {
  const bare = await Platform.start();
  try {
    const page = await visitor(browser, bare);
    for (const path of ["/sign-in", "/sign-up"]) {
      await page.goto(path);
      assert.match(await text(page, "h1"), /Sign/);
      assert.equal(await page.locator("main .ways, main a:has-text('Continue with')").count(), 0);
    }
    assert.deepEqual(page.complaints, []);
  } finally {
    await bare.stop();
  }
});
