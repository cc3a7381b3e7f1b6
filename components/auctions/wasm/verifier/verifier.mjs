// The verifier in a browser, or in node: the core module of auction_verifier.wasm, which imports
// nothing, by the canonical ABI of one function, bytes in and bytes out.
//
//   const verify = await load(fetch("/auction_verifier.core.wasm"));
//   const report = verify({ auction_id, events, proof, keys });
//   if (!report.ok) console.log(report.first_bad.seq, report.first_bad.what);

/**
 * Loads the module.
 * @param {BufferSource | Response | Promise<BufferSource | Response>} source its bytes, or the
 *   response that brings them
 * @returns {Promise<(log: object | string) => object>} checks a saved public log
 */
export async function load(source) {
  const from = await source;
  const bytes = from instanceof Response ? await from.arrayBuffer() : from;
  const module = await WebAssembly.compile(bytes);
  return (log) => {
    // A log is checked in an instance of its own: what a broken one does to memory stays there.
    const { exports } = new WebAssembly.Instance(module, {});
    const text = typeof log === "string" ? log : JSON.stringify(log);
    return JSON.parse(call(exports, new TextEncoder().encode(text)));
  };
}

/** Calls `verify: func(request: list<u8>) -> list<u8>`. */
function call(exports, request) {
  const { cabi_realloc: allocate, memory, verify } = exports;
  const start = allocate(0, 0, 1, request.length);
  new Uint8Array(memory.buffer, start, request.length).set(request);
  const result = verify(start, request.length);
  // Memory may have grown, and then it is another buffer.
  const view = new DataView(memory.buffer);
  const [at, length] = [view.getUint32(result, true), view.getUint32(result + 4, true)];
  const report = new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
  exports.cabi_post_verify?.(result);
  return report;
}
