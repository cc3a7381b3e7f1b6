// The stage of the tests: the real binary on a data directory of its own, a real browser, people
// who sign up as anybody would.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const ROOT = process.env.ROOT ?? new URL("../..", import.meta.url).pathname;

/** A platform that can be killed and started again on what it left. */
export class Platform {
  /** @param {Record<string, string>} variables What a deployer would set up. */
  static async start(variables = {}) {
    const platform = new Platform();
    platform.variables = variables;
    platform.data = await mkdtemp(join(process.env.BROWSER_TMP ?? tmpdir(), "browser-"));
    [platform.port, platform.operatorPort] = [await freePort(), await freePort()];
    platform.base = `http://127.0.0.1:${platform.port}`;
    platform.operator = `http://127.0.0.1:${platform.operatorPort}`;
    await platform.restart();
    return platform;
  }

  async restart() {
    const program = process.env.ECOMAUCTION ?? join(ROOT, "target/release/ecomauction");
    const args = ["up", "--dev", "--listen", `127.0.0.1:${this.port}`];
    args.push("--operator-listen", `127.0.0.1:${this.operatorPort}`, "--data", this.data);
    const variables = { public_base_url: this.base, ...this.variables };
    for (const pair of Object.entries(variables)) args.push("--variable", pair.join("="));
    this.log = "";
    this.child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (chunk) => (this.log = (this.log + chunk).slice(-8_000)));
    }
    this.gone = once(this.child, "exit");
    await until("the platform is ready", async () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.log}`);
      const answer = await fetch(`${this.operator}/readyz`).catch(() => undefined);
      return answer?.ok;
    }, 60_000);
  }

  /** As a power cut would, as far as a process can tell. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.gone;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.gone;
    await rm(this.data, { recursive: true, force: true });
  }

  /** The code of the newest letter to an address. */
  async code(email) {
    const address = `${this.base}/_dev/mail?to=${encodeURIComponent(email)}`;
    return until(`a code for ${email}`, async () => {
      const answer = await fetch(address, { headers: { accept: "application/json" } });
      const [letter] = (await answer.json()).items;
      return letter?.text.match(/code is (\d{6})/)?.[1];
    });
  }
}

/** One browser for all tests of a file. */
export async function open() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  return chromium.launch({ executablePath, args });
}

/** Somebody with a window of their own. What a page says wrong is kept, for the test to ask. */
export async function visitor(browser, platform, options = {}) {
  const context = await browser.newContext({ baseURL: platform.base, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    const is = (part) => message.text().includes(part);
    // A refused bid is an answer like any other, and a killed server is what some tests are about.
    const expected = is("the server responded with a status of 4") || is("ERR_CONNECTION");
    if (message.type() === "error" && !expected) page.complaints.push(message.text());
  });
  return page;
}

/** Signs somebody up, by the pages alone. */
export async function member(browser, platform, name, options = {}) {
  const page = await visitor(browser, platform, options);
  // As people type it: what it is kept as is not theirs to know.
  const email = `${name}-${platform.port}@Example.com`;
  const password = `long enough, ${name}`;
  Object.assign(page, { email, password });
  await page.goto("/sign-up");
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", password);
  await page.fill("[name=display_name]", name);
  await page.click("main button:has-text('Sign up')");
  await page.waitForURL(/\/confirm/);
  await page.fill("[name=code]", await platform.code(email));
  await page.click("main button:has-text('Confirm')");
  await page.waitForURL(/\/sign-in/);
  await signIn(page);
  return page;
}

/** Signs in on the page that shows the form. */
export async function signIn(page) {
  await page.fill("[name=email]", page.email);
  await page.fill("[name=password]", page.password);
  await page.click("main button:has-text('Sign in')");
  await page.waitForSelector("header button:has-text('Sign out')");
}

/** Lists something by the form; the id of the auction. */
export async function list(page, fields) {
  await page.goto("/sell");
  await page.click("main .more > summary");
  for (const [name, value] of Object.entries({ duration: "3600", ...fields })) {
    const field = page.locator(`main [name=${name}]`).first();
    const kind = await field.evaluate((it) => it.type ?? it.tagName);
    if (kind === "select-one") await field.selectOption(value);
    else if (kind === "radio") await page.check(`main [name=${name}][value='${value}']`);
    else await field.fill(value);
  }
  await page.click("main button:has-text('List it')");
  await page.waitForURL(/\/sell\/auc_/);
  return page.url().match(/auc_[0-9a-z]+/)[0];
}

/** Bids by the form of the room that is shown. */
export async function bid(page, amount) {
  await page.fill("#amount", amount);
  await page.click("#bid button:has-text('Bid')");
}

/** axe finds nothing on the page that is shown; its policy has to be bypassed for that. */
export async function judge(page) {
  await page.addScriptTag({ path: AXE });
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate((runOnly) => axe.run({ runOnly }), runOnly);
  const told = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], page.url());
}

/** The text of an element, without the space around it. */
export async function text(page, selector) {
  return (await page.textContent(selector)).replaceAll(/\s+/g, " ").trim();
}

/** What a condition gives, once it gives something. */
export async function until(what, condition, within = 15_000) {
  const deadline = performance.now() + within;
  for (;;) {
    const given = await condition();
    if (given) return given;
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
