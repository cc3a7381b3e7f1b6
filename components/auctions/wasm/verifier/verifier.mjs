// The verifier in a browser, or in node: the core module of auction_verifier.wasm, which imports
// nothing, by the canonical ABI of one function, bytes in and bytes out. Any other module of that
// shape goes by the name of its function.
//
//   const verify = await load(fetch("/auction_verifier.core.wasm"));
//   const report = verify({ auction_id, events, proof, keys });
//   if (!report.ok) console.log(report.first_bad.seq, report.first_bad.what);

/**
 * Loads the module.
 * @param {BufferSource | Response | Promise<BufferSource | Response>} source its bytes, or the
 *   response that brings them
 * @param {string} name the function that it exports
 * @returns {Promise<(request: object | string) => any>} checks a saved public log, or whatever the
 *   function does with JSON
 */
export async function load(source, name = "verify") {
  const from = await source;
  if (from instanceof Response && !from.ok) throw new Error(`no module: status ${from.status}`);
  const bytes = from instanceof Response ? await from.arrayBuffer() : from;
  const module = await WebAssembly.compile(bytes);
  return (request) => {
    // A log is checked in an instance of its own: what a broken one does to memory stays there.
    const { exports } = new WebAssembly.Instance(module, {});
    const text = typeof request === "string" ? request : JSON.stringify(request);
    return JSON.parse(call(exports, name, new TextEncoder().encode(text)));
  };
}

/** Calls `<name>: func(request: list<u8>) -> list<u8>`. */
function call(exports, name, request) {
  const { cabi_realloc: allocate, memory } = exports;
  const start = allocate(0, 0, 1, request.length);
  new Uint8Array(memory.buffer, start, request.length).set(request);
  const result = exports[name](start, request.length);
  // Memory may have grown, and then it is another buffer.
  const view = new DataView(memory.buffer);
  const [at, length] = [view.getUint32(result, true), view.getUint32(result + 4, true)];
  const answer = new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
  exports[`cabi_post_${name}`]?.(result);
  return answer;
}
