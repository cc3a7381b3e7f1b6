// node --test verifier.test.mjs, with VERIFIER naming target/components/auction_verifier.core.wasm
// and ARCHIVE an archive of the suite.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { load } from "./verifier.mjs";

/** The public log in an archive. */
async function saved() {
  const lines = (await readFile(process.env.ARCHIVE, "utf8")).trim().split("\n");
  const records = lines.map((line) => JSON.parse(line));
  const commits = records.flatMap((record) => record.commit ?? []);
  const events = commits.flatMap((commit) => commit.events);
  const items = events.map(({ prev, head, public: body }) => ({ ...body, prev, hash: head }));
  return { auction_id: records[0].header.key, events: items };
}

test("a log is checked where it is read, and its first flaw is named", async () => {
  const verify = await load(readFile(process.env.VERIFIER));
  const log = await saved();
  const report = verify(log);
  assert.equal(report.ok, true, JSON.stringify(report));
  assert.equal(report.events, log.events.length);
  log.events[2].data.price.amount += 1;
  assert.equal(verify(log).first_bad.seq, 3);
  assert.equal(verify("no log").ok, false);
  assert.equal(verify({ ...log, events: [] }).ok, false);
});
