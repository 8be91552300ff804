// Everything an app may want of the endpoint, through OpenAI's client for Node.
//
//     npm install openai
//     node clients/openai_tour.mjs --model smollm2-135m --adapter livros
//
// The address is --base-url, or OPENAI_BASE_URL, or that of `afina serve` on this machine; the key is
// AFINA_API_KEY, where the server asks for one. Prints one JSON object: what each step found.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

// From the folder that it is run in, as a project's own scripts are.
const { default: OpenAI } = createRequire(`${process.cwd()}/`)("openai");

const { values: given } = parseArgs({
  options: {
    "base-url": { type: "string", default: process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8321/v1" },
    model: { type: "string", default: "smollm2-135m" },
    adapter: { type: "string" },
  },
});
const key = process.env.AFINA_API_KEY ?? "none";
const settings = { baseURL: given["base-url"], maxRetries: 0 };
const client = new OpenAI({ ...settings, apiKey: key });

const question = "What is the capital of Portugal?";
const greedy = { model: given.model, messages: [{ role: "user", content: question }], temperature: 0, max_tokens: 10 };
const city = { type: "string", enum: ["Lisboa", "Porto", "Faro"] };
const schema = {
  type: "object",
  properties: { city, capital: { type: "boolean" } },
  required: ["city", "capital"],
  additionalProperties: false,
};
const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "Tells the weather in a city.",
    parameters: { type: "object", properties: { city }, required: ["city"], additionalProperties: false },
  },
};

const ask = (more = {}) => client.chat.completions.create({ ...greedy, ...more });
const text = (answer) => answer.choices[0].message.content;

/** The error that a request meets: the client's class for it, and what the server told. */
async function refusal(request) {
  try {
    await request;
  } catch (error) {
    const { status, code, param } = error;
    return { error: error.constructor.name, message: error.message, status_code: status, code, param };
  }
  throw new Error("the request was not refused");
}

const steps = {
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: (await client.models.retrieve(given.model)).id };
  },
  async chat() {
    const answer = await ask();
    return { text: text(answer), reason: answer.choices[0].finish_reason, usage: answer.usage };
  },
  async stream() {
    const found = { text: "", pieces: 0, reasons: [], usage: null };
    for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
      for (const choice of chunk.choices) {
        found.text += choice.delta.content ?? "";
        found.pieces += 1;
        if (choice.finish_reason) found.reasons.push(choice.finish_reason);
      }
      found.usage = chunk.usage ?? found.usage;
    }
    return found;
  },
  async schema() {
    const format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
    return { json: JSON.parse(text(await ask({ max_tokens: 64, response_format: format }))) };
  },
  async tools() {
    const calling = { tools: [weather], tool_choice: "required", parallel_tool_calls: false };
    const called = (await ask({ max_tokens: 64, ...calling })).choices[0];
    const call = called.message.tool_calls[0];
    const result = { role: "tool", tool_call_id: call.id, content: "Sunny, 24 degrees." };
    const messages = [...greedy.messages, called.message, result];
    return {
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments),
      reason: called.finish_reason,
      after: text(await ask({ messages, tools: [weather], tool_choice: "none" })),
    };
  },
  async logprobs() {
    const answer = await ask({ logprobs: true, top_logprobs: 3 });
    const told = answer.choices[0].logprobs.content;
    return {
      text: text(answer),
      tokens: told.map((one) => one.token),
      logprobs: told.map((one) => one.logprob),
      completion_tokens: answer.usage.completion_tokens,
    };
  },
  async seed() {
    const [same, again, other] = [7, 7, 8].map((seed) => ask({ temperature: 1, seed }));
    return { same: text(await same), again: text(await again), other: text(await other) };
  },
  async adapter() {
    if (!given.adapter) return { skipped: "no --adapter was given" };
    return { base: text(await ask()), tuned: text(await ask({ model: given.adapter })) };
  },
  async errors() {
    const found = {
      "unknown model": await refusal(ask({ model: "no-such-model" })),
      "bad parameter": await refusal(ask({ temperature: 9 })),
    };
    if (key !== "none") {
      found["wrong key"] = await refusal(new OpenAI({ ...settings, apiKey: "not-the-key" }).models.list());
    }
    return found;
  },
};

const found = {};
for (const [name, step] of Object.entries(steps)) {
  try {
    found[name] = await step();
  } catch (error) {
    found[name] = { failed: `${error.constructor.name}: ${error.message}` };
    process.exitCode = 1;
  }
}
console.log(JSON.stringify(found, null, 1));
