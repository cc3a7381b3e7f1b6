// Runs the bundled Worker on workerd, with the local stand-ins that wrangler uses, and without what
// wrangler adds for people who edit: node local.mjs FOLDER STATE PORT name=value…
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const KINDS = { js: "ESModule", wasm: "CompiledWasm" };
const kind = (file) => KINDS[file.split(".").pop()];
const isEntry = (file) => file === "entry.js";

/**
 * Starts the Worker in a folder on a state directory. `variables` are added to its bindings; `adjust`
 * may change what wrangler.toml says.
 */
export function start(folder, state, port, variables, adjust = () => {}) {
  const worker = JSON.parse(readFileSync(join(folder, "options.json"), "utf8"));
  adjust(worker);
  const files = readdirSync(folder, { recursive: true }).map(String).filter(kind);
  // The first one is the Worker.
  files.sort((a, b) => isEntry(b) - isEntry(a));
  const modules = files.map((file) => ({
    type: kind(file),
    path: join(folder, file),
    contents: readFileSync(join(folder, file), kind(file) === "ESModule" ? "utf8" : undefined),
  }));
  const options = convertV4MiniflareOptions({
    ...worker,
    name: "ecomauction",
    bindings: { ...worker.bindings, ...variables },
    modules,
    modulesRoot: folder,
    host: "127.0.0.1",
    port,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    cf: false,
  });
  return new Miniflare({ ...options, resourcePersistencePath: state });
}

async function main([folder, state, port, ...variables]) {
  const parts = (variable) => {
    const at = variable.indexOf("=");
    return [variable.slice(0, at), variable.slice(at + 1)];
  };
  const set = Object.fromEntries(variables.map(parts));
  // Whoever runs this has one address, for all its clients together.
  const miniflare = start(folder, state, Number(port), set, (worker) => {
    worker.ratelimits.REQUESTS.simple.limit = 1_000_000;
  });
  console.log(`Ready on ${(await miniflare.ready).origin}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, async () => {
      await miniflare.dispose();
      process.exit(0);
    });
  }
}

if (import.meta.main) {
  await main(process.argv.slice(2));
}
