// What is left, as show.rs says it, and the falling clock of rules.md B8.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockPrice, countdown, instant, left } from "../clock.js";

test("what is left is never less than it says", () => {
  for (const [ms, text] of [
    [-1, "over"],
    [0, "over"],
    [0.2, "1 s"],
    [1, "1 s"],
    [9_000, "9 s"],
    [59_001, "1 min 0 s"],
    [845_000, "14 min 5 s"],
    [3_600_000, "1 h 0 min"],
    [3_600_001, "1 h 0 min"],
    [86_399_999, "1 d 0 h"],
    [90_000_000, "1 d 1 h"],
    [183_600_000, "2 d 3 h"],
  ]) {
    assert.equal(left(ms), text, String(ms));
  }
});

test("instants read as the server writes them", () => {
  assert.equal(instant("2026-11-27T04:14:22.123Z"), "2026-11-27 04:14:22 UTC");
});

test("the word after a countdown goes when nothing is left", () => {
  const after = { nodeType: 3, nodeValue: " left\n " };
  const time = { textContent: "1 s", nextSibling: after };
  countdown(time, 0);
  assert.deepEqual([time.textContent, after.nodeValue], ["over", " "]);
  countdown(time, 61_000);
  assert.deepEqual([time.textContent, after.nodeValue], ["1 min 1 s", " left "]);
});

test("a falling clock stands where the rules say", () => {
  const startsAt = 1_795_694_400_000;
  const clock = { start: 50_000, floor: 20_000, decrement: 1_500, tickSeconds: 10, startsAt };
  const at = (seconds) => clockPrice(clock, startsAt + seconds * 1_000);
  const prices = [-5, 0, 9.999, 10, 47, 50, 199.999, 200, 1e6].map(at);
  const wanted = [50_000, 50_000, 50_000, 48_500, 44_000, 42_500, 21_500, 20_000, 20_000];
  assert.deepEqual(prices, wanted);
});

test("a falling clock is exact where a float would not be", () => {
  const start = Number.MAX_SAFE_INTEGER;
  const clock = { start, floor: 1, decrement: start - 2, tickSeconds: 1, startsAt: 0 };
  assert.deepEqual([0, 1_000, 2_000].map((now) => clockPrice(clock, now)), [start, 2, 1]);
});
