// Amounts read and written as the server does: the cases of form.rs and show.rs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse, typed } from "../money.js";

test("amounts are read as people write them", () => {
  for (const [text, exponent, expected] of [
    ["12", 2, 1_200],
    ["12.5", 2, 1_250],
    ["12.", 2, 1_200],
    ["1,250.50", 2, 125_050],
    ["1 250", 0, 1_250],
    ["1\u00a0250", 0, 1_250],
    ["1'250", 2, 125_000],
    ["1\u00a0250'000,000.5", 2, 125_000_000_050],
    ["1250,000", 2, 125_000_000],
    ["  7 ", 2, 700],
    ["\u00a07\u00a0", 2, 700],
    ["007", 2, 700],
    ["0.005", 3, 5],
    ["90071992547409.91", 2, Number.MAX_SAFE_INTEGER],
    ["90071992547409.92", 2, null],
    ["12.345", 2, null],
    ["12.5", 0, null],
    ["1.2.3", 2, null],
    ["-1", 2, null],
    ["+1", 2, null],
    ["", 2, null],
    [".5", 2, null],
    ["1e3", 2, null],
    ["12 USD", 2, null],
    ["99999999999999999999", 2, null],
    ["0.6", 2, 60],
    ["1.15", 2, 115],
  ]) {
    assert.equal(parse(text, exponent), expected, text);
  }
});

test("amounts have groups of digits", () => {
  for (const [amount, exponent, currency, text] of [
    [0, 2, "USD", "0.00\u00a0USD"],
    [5, 2, "USD", "0.05\u00a0USD"],
    [99_999, 2, "USD", "999.99\u00a0USD"],
    [123_456_789, 2, "USD", "1,234,567.89\u00a0USD"],
    [1_234_567, 0, "JPY", "1,234,567\u00a0JPY"],
    [999, 0, "JPY", "999\u00a0JPY"],
    [1_005, 3, "KWD", "1.005\u00a0KWD"],
    [Number.MAX_SAFE_INTEGER, 2, "USD", "90,071,992,547,409.91\u00a0USD"],
  ]) {
    assert.equal(format({ amount, currency }, exponent), text);
  }
});

test("what a form shows is read again as the same", () => {
  for (const exponent of [0, 2, 3, 4]) {
    for (const amount of [0, 1, 10, 99, 1_000, 123_456_789, Number.MAX_SAFE_INTEGER]) {
      assert.equal(parse(typed(amount, exponent), exponent), amount);
    }
  }
});

test("groups have three digits, and cents have none", () => {
  for (const text of [
    "12,50", "12,5", "12 50", "12\u00a050", "12'50", "1,2500", "1 2500", "1,25.00", "1,250,00",
    "1,", ",250", "1,,250", "1, 250", "1,250 ,000", "1.250,00", "1.2,5", "1.2 5", "1.2'5", "1. 2",
    "1 .2", "1.234,567",
  ]) {
    assert.equal(parse(text, 6), null, text);
  }
});
