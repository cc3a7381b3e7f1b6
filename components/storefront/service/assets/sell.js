// Comforts of the listing forms: pictures are dropped, only the fields of a format show, a ladder
// can be looked at. Without any of it the forms do the same.
// @ts-check

import { byId, make, put } from "./dom.js";
import { typed } from "./money.js";

function start() {
  for (const zone of document.querySelectorAll("[data-drop]")) {
    if (zone instanceof HTMLElement) takePictures(zone);
  }
  const kind = document.querySelector("select[name=format]");
  if (kind instanceof HTMLSelectElement) followFormat(kind);
  const ladder = document.querySelector("select[name=increments]");
  if (ladder instanceof HTMLSelectElement) followLadder(ladder);
}

/** @param {HTMLElement} zone */
function takePictures(zone) {
  const list = make("ul", "uploads");
  list.setAttribute("aria-live", "polite");
  zone.append(list);
  const field = zone.querySelector("input[type=file]");
  let isSending = false;
  const take = async (/** @type {FileList | null | undefined} */ files) => {
    if (isSending || !files?.length) return;
    isSending = true;
    await sendAll(zone, list, [...files]);
    isSending = false;
  };
  // Dragging over the words in the zone leaves the zone and enters it again.
  let depth = 0;
  const mark = (/** @type {number} */ by) => {
    depth = Math.max(0, depth + by);
    zone.classList.toggle("over", depth > 0);
  };
  zone.addEventListener("dragenter", () => mark(1));
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    take(event.dataTransfer?.files);
  });
  if (!(field instanceof HTMLInputElement)) return;
  field.multiple = true;
  field.accept = TYPES.join();
  field.addEventListener("change", () => take(field.files));
  // What is chosen is sent at once.
  const submit = field.form?.querySelector("button")?.parentElement;
  submit?.replaceChildren("Or drop pictures here.");
}

/** One after the other: pictures stand in the order in which they came.
 * @param {HTMLElement} zone @param {HTMLElement} list @param {File[]} files */
async function sendAll(zone, list, files) {
  list.replaceChildren();
  await renew();
  let [sent, wrong] = [0, 0];
  for (const file of files) {
    const bar = /** @type {HTMLProgressElement} */ (make("progress"));
    bar.setAttribute("aria-label", `Sending ${file.name}`);
    const text = make("span", "", "Sending…");
    const item = make("li", "", make("b", "", file.name), " ", bar, " ", text);
    list.append(item);
    const why = unfit(file) ?? (await send(zone, file, (share) => (bar.value = share)));
    bar.remove();
    put(text, why ?? "There.");
    item.className = why === null ? "good" : "bad";
    if (why === null) sent += 1;
    else wrong += 1;
  }
  if (sent > 0 && wrong === 0) location.reload();
  // What went wrong is read first.
  else if (sent > 0) list.append(make("li", "", reload()));
}

/** Large bodies are refused by a cookie that is spent, before anything could renew it: a page
 * renews it. */
async function renew() {
  await fetch(location.pathname, { headers: { accept: "text/html" } }).catch(() => {});
}

function reload() {
  const button = /** @type {HTMLButtonElement} */ (make("button", "second", "Show the others"));
  button.type = "button";
  button.addEventListener("click", () => location.reload());
  return button;
}

/** Why a file need not be sent at all. The server looks at what is in it. @param {File} file */
function unfit(file) {
  if (!TYPES.includes(file.type)) return "Pictures are PNG, JPEG, WebP or GIF.";
  if (file.size > BYTES_MAX) return "A picture has at most 10 MiB.";
  return null;
}

/** Sends a file; null, or why it was not taken. `fetch` does not tell how far it is.
 * @param {HTMLElement} zone @param {File} file @param {(share: number) => void} onProgress
 * @returns {Promise<string | null>} */
function send(zone, file, onProgress) {
  const request = new XMLHttpRequest();
  request.open("POST", zone.dataset.action ?? "");
  request.setRequestHeader("accept", "application/json");
  request.setRequestHeader("content-type", file.type);
  request.setRequestHeader("x-form-token", zone.dataset.formToken ?? "");
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded / total));
  return new Promise((resolve) => {
    request.addEventListener("error", () => resolve("The connection broke: send it again."));
    request.addEventListener("load", () => {
      resolve(request.status < 300 ? null : detail(request.responseText));
    });
    request.send(file);
  });
}

/** @param {string} text */
function detail(text) {
  try {
    return String(JSON.parse(text).detail);
  } catch {
    return "It was not taken.";
  }
}

/** Shows what belongs to a format. Fields that are hidden are not sent.
 * @param {HTMLSelectElement} choice */
function followFormat(choice) {
  const show = () => {
    for (const block of document.querySelectorAll("[data-for]")) {
      if (!(block instanceof HTMLElement)) continue;
      block.hidden = !block.dataset.for?.split(" ").includes(choice.value);
      for (const field of block.querySelectorAll("input, select, textarea")) {
        /** @type {HTMLInputElement} */ (field).disabled = block.hidden;
      }
    }
  };
  choice.addEventListener("change", show);
  show();
}

/** Shows the bands of a ladder, `data-bands='[{"from":1,"step":5}]'` of its option, in `#ladder`;
 * or the field for bands of one's own. @param {HTMLSelectElement} choice */
function followLadder(choice) {
  const own = byId("bands")?.closest("p");
  const show = () => {
    const bands = JSON.parse(choice.selectedOptions[0]?.dataset.bands ?? "[]");
    byId("ladder")?.replaceChildren(...(bands.length > 0 ? [table(bands)] : []));
    if (own) own.hidden = bands.length > 0;
  };
  choice.addEventListener("change", show);
  show();
}

/** @param {{ from: number, step: number }[]} bands */
function table(bands) {
  // Ladders with a name are made for two decimals.
  const money = (/** @type {number} */ amount) => typed(amount, 2);
  const head = (/** @type {string} */ text) => {
    const cell = make("th", "", text);
    cell.setAttribute("scope", "col");
    return cell;
  };
  const row = ({ from = 0, step = 0 }) =>
    make("tr", "", make("td", "", money(from)), make("td", "", money(step)));
  const titles = make("tr", "", head("From a price of"), head("at least this much more"));
  return make("table", "", make("thead", "", titles), make("tbody", "", ...bands.map(row)));
}

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const BYTES_MAX = 10 * 1_024 * 1_024;

start();
