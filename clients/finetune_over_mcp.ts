// The whole way over MCP, with its TypeScript client: prepare, train, wait, evaluate.
//
//     npm install @modelcontextprotocol/client        # in the folder that you run the next line in
//     node clients/finetune_over_mcp.ts ~/livros livros
//     AFINA_URL=http://127.0.0.1:8321/mcp node clients/finetune_over_mcp.ts ~/livros livros '{"iters": 200}'
//
// Node 22.18 or later runs it as it is. Without AFINA_URL it starts `afina mcp` (AFINA_COMMAND) and speaks over pipes;
// the key of a server that asks for one is in AFINA_API_KEY.

import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

// The client's package lies where the program is run, and this file may lie elsewhere.
const here = createRequire(`${process.cwd()}/`);
const load = (name: string) => import(pathToFileURL(here.resolve(name)).href);
const { Client, StreamableHTTPClientTransport } = await load("@modelcontextprotocol/client");
const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");

type Fields = Record<string, any>;
const UNDER_WAY = new Set(["queued", "preparing", "running"]);

/** The server's own words on what is wrong and what to do. */
class CallFailed extends Error {}

function transport() {
  const url = process.env.AFINA_URL;
  if (url) {
    const key = process.env.AFINA_API_KEY;
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  }
  const [command, ...args] = (process.env.AFINA_COMMAND ?? "afina mcp").split(" ");
  return new StdioClientTransport({ command, args, env: { ...process.env } as Record<string, string> });
}

const client = new Client({ name: "finetune_over_mcp", version: "1" });

async function call(tool: string, args: Fields): Promise<Fields> {
  const answer = await client.callTool({ name: tool, arguments: args }, { timeout: 120_000 });
  const text = answer.content.filter((part: Fields) => part.type === "text").map((part: Fields) => part.text);
  if (answer.isError) throw new CallFailed(text.join("\n"));
  return answer.structuredContent as Fields;
}

/** Make the next call, which every result tells, for as long as the work is under way. */
async function follow(result: Fields, show: (result: Fields) => string): Promise<Fields> {
  while (UNDER_WAY.has(result.state)) {
    console.log(show(result));
    const gap = result.next.indexOf(" ");
    result = await call(result.next.slice(0, gap), JSON.parse(result.next.slice(gap + 1)));
  }
  console.log(show(result));
  return result;
}

async function finetune(source: string, name: string, settings: Fields, maxItems: number): Promise<void> {
  const asked = await call("prepare_dataset", { sources: [source], name });
  const prepared = await follow(asked, (r) => `prepare: ${r.state}`);
  console.log(`  ${prepared.splits.train.rows} rows to learn from`);
  const dataset = `${prepared.dataset}@${prepared.version}`;
  const started = await call("start_finetune", { dataset, settings, request_key: randomUUID() });
  console.log(`train: ${started.run}, about ${started.plan.predicted_minutes} minutes`);
  let status = await call("training_status", { run: started.run, wait_s: 5 });
  while (UNDER_WAY.has(status.state)) {
    console.log(`  ${status.state}: step ${status.step} of ${status.steps}`);
    status = await call("training_status", { run: started.run, wait_s: 30 });
  }
  console.log(`  ${status.state}: ${status.verdict.text}`);
  if (status.state !== "succeeded") throw new CallFailed(`The run has not succeeded. Next: ${status.next}`);
  const begun = await call("evaluate", { adapter: status.adapter, max_items: maxItems, wait_s: 5 });
  const evaluated = await follow(begun, (r) => `evaluate: ${r.state}`);
  for (const verdict of evaluated.verdict) console.log(`${verdict.model}: ${verdict.kind}. ${verdict.text}`);
  console.log(`Next: ${evaluated.next}`);
}

const [source, name, settings = "{}", maxItems = "100"] = process.argv.slice(2);
if (!source || !name) {
  console.error("Give a folder or file, and a name: node clients/finetune_over_mcp.ts ~/livros livros");
  process.exit(2);
}
try {
  await client.connect(transport());
  await finetune(source, name, JSON.parse(settings), Number(maxItems));
  await client.close();
} catch (error) {
  console.error(error instanceof CallFailed ? error.message : `The connection failed: ${error}`);
  process.exit(1);
}
