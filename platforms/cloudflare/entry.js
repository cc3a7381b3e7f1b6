// What the Workers runtime looks for, in front of what wasm-bindgen generates.
import { fetch, queue, scheduled } from "./index.js";

export { EntityObject, InboxObject, LimitsObject, PostObject } from "./index.js";
export default {
  fetch: (request, env, context) => fetch(request, env, context),
  queue: (batch, env, context) => queue(batch, env, context),
  scheduled: (event, env, context) => scheduled(event, env, context),
};
