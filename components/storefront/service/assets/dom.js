// Making elements out of texts. Nothing here reads a text as HTML: what bidders and sellers wrote
// stays text.
// @ts-check

/** An element with a class and children. @param {string} tag @param {string} className
 * @param {(Node | string)[]} children */
export function make(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Sets a text where it differs: a live region that is set to what it says speaks again.
 * @param {Element | null} node @param {string} text */
export function put(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** @param {string} id */
export function byId(id) {
  return document.getElementById(id);
}

/** A link. @param {string} address @param {string} text */
export function link(address, text) {
  const node = /** @type {HTMLAnchorElement} */ (make("a", "", text));
  node.href = address;
  return node;
}
