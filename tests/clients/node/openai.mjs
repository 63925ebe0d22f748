// openai for Node.js: chat, its stream, tools, embeddings, responses, errors.
import assert from "node:assert/strict";
import OpenAI, { NotFoundError } from "openai";

const client = new OpenAI({
  baseURL: `${process.env.GATEWAY_URL}/v1`,
  apiKey: process.env.GATEWAY_TOKEN,
});
const passed = (what) => console.log("passed:", what);
const messages = [{ role: "user", content: "Hello" }];

const whole = await client.chat.completions.create({ model: "balanced", messages });
assert(whole.choices[0].message.content && whole._metadata.request_id);
passed("chat");

let said = "";
for await (const piece of await client.chat.completions.create({ model: "eco", messages, stream: true }))
  said += piece.choices[0]?.delta.content ?? "";
assert(said);
passed("stream");

const weather = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};
const called = await client.chat.completions.create({
  model: "precision",
  messages: [{ role: "user", content: "please call tool" }],
  tools: [weather],
});
assert.equal(called.choices[0].message.tool_calls[0].function.name, "weather");
passed("tools");

for (const more of [{}, { encoding_format: "float" }, { dimensions: 64 }]) {
  const made = await client.embeddings.create({
    model: "text-embedding-3-small",
    input: ["a", "b"],
    ...more,
  });
  assert.deepEqual(made.data.map((one) => one.embedding.length), [more.dimensions ?? 1536, more.dimensions ?? 1536]);
  assert.equal(typeof made.data[0].embedding[0], "number");
}
passed("embeddings");

const told = await client.responses.create({ model: "balanced", input: "Hello" });
assert(told.output_text);
passed("responses");

await assert.rejects(
  client.chat.completions.create({ model: "gpt-99", messages }),
  (error) => error instanceof NotFoundError && error.code === "model_not_found" && Boolean(error.requestID),
);
passed("errors");
