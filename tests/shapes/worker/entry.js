// What the Workers runtime looks for, in front of what wasm-bindgen generates.
import { fetch } from "./index.js";

export { CounterObject } from "./index.js";
export default { fetch: (request, env, context) => fetch(request, env, context) };
