// The price over time, drawn as steps. The figure says in words what the line shows; the list of
// bids beside it has every number.
// @ts-check

import { instant } from "./clock.js";
import { make } from "./dom.js";
import { format } from "./money.js";

/** @import { Point } from "./types.js" */

/**
 * Draws a chart into a figure, or again; it shows itself from two points on.
 * @param {HTMLElement} figure @param {Point[]} points oldest first
 * @param {{ exponent: number, currency: string, time?: (at: number) => string }} how `time` says
 *   when the line begins and ends
 */
export function draw(figure, points, { exponent, currency, time = day }) {
  figure.hidden = points.length < 2;
  if (figure.hidden) return;
  const money = (/** @type {number} */ amount) => format({ amount, currency }, exponent);
  const [first, last] = [points[0], points[points.length - 1]];
  const [low, high] = bounds(points);
  const caption = `The price went from ${money(first.price)} to ${money(last.price)}.`;
  const drawn = svg(points, `Chart. ${caption} Lowest ${money(low)}, highest ${money(high)}.`);
  figure.classList.add("chart");
  figure.replaceChildren(
    make("figcaption", "", caption),
    make("p", "quiet scale", money(high)),
    drawn,
    make("p", "quiet scale", money(low)),
    make("p", "quiet ends", make("span", "", time(first.at)), " ", make("span", "", time(last.at))),
  );
}

/** The path of a staircase in a box: each price holds until the next one.
 * @param {Point[]} points @param {number} width @param {number} height */
export function staircase(points, width, height) {
  const [low, high] = bounds(points);
  const begin = points[0].at;
  const time = Math.max(points[points.length - 1].at - begin, 1);
  const x = (/** @type {Point} */ { at }) => Math.round(((at - begin) / time) * width);
  // A price that never moves lies in the middle.
  const share = (/** @type {number} */ price) => (high > low ? (high - price) / (high - low) : 0.5);
  const y = (/** @type {Point} */ { price }) => Math.round(share(price) * height);
  const steps = points.slice(1).map((point) => `H${x(point)}V${y(point)}`);
  return `M0 ${y(points[0])}${steps.join("")}H${width}`;
}

/** @param {Point[]} points */
function bounds(points) {
  return points.reduce(
    ([low, high], { price }) => [Math.min(low, price), Math.max(high, price)],
    [Infinity, -Infinity],
  );
}

/** @param {Point[]} points @param {string} label */
function svg(points, label) {
  const drawn = shape("svg", {
    viewBox: `0 -8 ${WIDTH} ${HEIGHT + 16}`, preserveAspectRatio: "none", role: "img",
    "aria-label": label,
  });
  for (const y of [0, HEIGHT / 2, HEIGHT]) {
    drawn.append(shape("path", { class: "grid", d: `M0 ${y}H${WIDTH}` }));
  }
  const line = staircase(points, WIDTH, HEIGHT);
  drawn.append(shape("path", { class: "area", d: `${line}V${HEIGHT}H0Z` }));
  drawn.append(shape("path", { class: "line", d: line }));
  return drawn;
}

/** @param {string} tag @param {Record<string, string>} attributes */
function shape(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** @param {number} at */
function day(at) {
  return instant(new Date(at).toISOString());
}

const [WIDTH, HEIGHT] = [1_000, 240];
