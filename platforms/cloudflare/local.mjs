// Runs the bundled Worker on workerd, with the local stand-ins that wrangler uses, and without what
// wrangler adds for people who edit: node local.mjs FOLDER STATE PORT name=value…
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";

const [folder, state, port, ...variables] = process.argv.slice(2);
const { workerOptions: worker } = workerOptions(join(folder, "wrangler.toml"));
const files = readdirSync(folder, { recursive: true }).map(String);
const kinds = { js: "ESModule", wasm: "CompiledWasm" };
const modules = files
  .filter((file) => kinds[file.split(".").pop()])
  .sort((a, b) => (a === "entry.js" ? -1 : b === "entry.js" ? 1 : a < b ? -1 : 1))
  .map((file) => ({ type: kinds[file.split(".").pop()], path: join(folder, file) }));
for (const variable of variables) {
  const at = variable.indexOf("=");
  worker.bindings[variable.slice(0, at)] = variable.slice(at + 1);
}
const options = convertV4MiniflareOptions({
  ...worker,
  modules,
  modulesRoot: folder,
  host: "127.0.0.1",
  port: Number(port),
  log: new Log(LogLevel.WARN),
  logRequests: false,
  cf: false,
});
const miniflare = new Miniflare({ ...options, resourcePersistencePath: state });
console.log(`Ready on ${(await miniflare.ready).origin}`);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, async () => {
    await miniflare.dispose();
    process.exit(0);
  });
}
