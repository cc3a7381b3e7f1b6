// Writes down what wrangler.toml means to the local runtime, so that whoever starts it need not load
// wrangler: node options.mjs FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";

const [folder] = process.argv.slice(2);
const { workerOptions: worker } = workerOptions(join(folder, "wrangler.toml"));
// Where the checkout is, is nobody's business.
delete worker.rootPath;
writeFileSync(join(folder, "options.json"), JSON.stringify(worker, null, 2));
