// The staircase of a price.
import assert from "node:assert/strict";
import { test } from "node:test";
import { staircase } from "../chart.js";

test("each price holds until the next one", () => {
  const points = [{ at: 0, price: 10 }, { at: 50, price: 20 }, { at: 100, price: 15 }];
  assert.equal(staircase(points, 100, 40), "M0 40H50V0H100V20H100");
});

test("a price that never moves lies in the middle", () => {
  assert.equal(staircase([{ at: 5, price: 7 }, { at: 5, price: 7 }], 100, 40), "M0 20H0V20H100");
});
