// Amounts as people read and write them. Minor units are integers below 2^53 and stay so: text is
// cut and joined, nothing is divided.
// @ts-check

/** @typedef {import("./types.js").Money} Money */

/** `1,250.00 USD`, with a space that does not break.
 * @param {Money} money @param {number} exponent */
export function format(money, exponent) {
  const [whole, part] = typed(money.amount, exponent).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${grouped}${part === undefined ? "" : `.${part}`}\u00a0${money.currency}`;
}

/** `1250.00`, as a form shows it again. @param {number} amount @param {number} exponent */
export function typed(amount, exponent) {
  const digits = String(amount).padStart(exponent + 1, "0");
  if (exponent === 0) return digits;
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Minor units of `1250`, `1,250.5`, `1 250.50`; null for what is no amount, as `12,50`: groups
 * have three digits. The server reads the same text in the same way (form.rs).
 * @param {string} text @param {number} exponent */
export function parse(text, exponent) {
  const [whole, part = "", ...more] = text.trim().split(".");
  const isWhole = /^\d+([, \u00a0']\d{3})*$/.test(whole);
  const isAmount = isWhole && /^\d*$/.test(part) && more.length === 0;
  if (!isAmount || part.length > exponent) return null;
  const minor = BigInt(whole.replace(/\D/g, "") + part.padEnd(exponent, "0"));
  return minor <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(minor) : null;
}
