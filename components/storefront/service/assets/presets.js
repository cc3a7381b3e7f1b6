// Auctions to begin with in the sandbox, as its form has them.
// @ts-check

/** @typedef {[name: string, strategy: string, limit: string, at: string]} Row A bidder. `at` is in
 *   seconds after the start, for a sniper before the end; by chance where it is empty. */
/** @typedef {{ terms: Record<string, string>, bidders: Row[] }} Preset */

/** What holds where a preset says nothing. @type {Record<string, string>} */
export const USUAL = {
  format: "english", start: "10.00", reserve: "", buy_now: "", increments: "ebay_us",
  bands: "0.01: 1\n100: 5", duration: "600", mode: "off", window: "120", extension: "120",
  floor: "200.00", decrement: "15.00", tick: "10", dwell: "60", seed: "1",
};

/** @type {Record<string, Preset>} */
export const PRESETS = {
  proxy: {
    terms: {},
    bidders: [
      ["Ana", "proxy", "50.00", "10"],
      ["Ben", "proxy", "32.00", "20"],
      ["Ben", "proxy", "60.00", "30"],
      ["Cleo", "proxy", "51.50", "40"],
      ["Cleo", "proxy", "53.00", "50"],
    ],
  },
  sniper: {
    terms: { mode: "reset", increments: "bands", bands: "0.01: 5.00" },
    bidders: [
      ["Ana", "proxy", "30.00", "60"],
      ["Stu", "step", "90.00", "90"],
      ["Nick", "sniper", "50.00", "3"],
    ],
  },
  reserve: {
    terms: { start: "1.00", reserve: "100.00" },
    bidders: [
      ["Ana", "proxy", "75.00", "10"],
      ["Ben", "proxy", "80.00", "20"],
      ["Cleo", "proxy", "150.00", "30"],
    ],
  },
  dutch: {
    terms: { format: "dutch", start: "500.00" },
    bidders: [
      ["Ana", "proxy", "380.00", "0"],
      ["Ben", "proxy", "300.00", "0"],
      ["Cleo", "proxy", "150.00", "5"],
    ],
  },
  vickrey: {
    terms: { format: "vickrey" },
    bidders: [
      ["Ana", "proxy", "90.00", ""],
      ["Ben", "proxy", "75.00", ""],
      ["Cleo", "proxy", "74.00", ""],
    ],
  },
};
