// @anthropic-ai/sdk: messages, their stream, tools, counting, errors.
import assert from "node:assert/strict";
import Anthropic, { NotFoundError } from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.GATEWAY_URL, apiKey: process.env.GATEWAY_TOKEN });
const passed = (what) => console.log("passed:", what);
const asked = { max_tokens: 100, messages: [{ role: "user", content: "Hello" }] };
const weather = {
  name: "weather",
  input_schema: { type: "object", properties: { city: { type: "string" } } },
};

for (const model of ["precision", "balanced"]) {
  const whole = await client.messages.create({ model, ...asked });
  assert(whole.content[0].text);
  assert.equal(whole._metadata.request_id, whole._request_id);
  passed(`messages, ${model}`);
  const message = await client.messages.stream({ model, ...asked }).finalMessage();
  assert(message.content[0].text && message.usage.output_tokens > 0);
  passed(`stream, ${model}`);
  const called = await client.messages.create({
    model,
    max_tokens: 100,
    tools: [weather],
    messages: [{ role: "user", content: "please call tool" }],
  });
  assert.equal(called.content.at(-1).name, "weather");
  passed(`tools, ${model}`);
}

const counted = await client.messages.countTokens({ model: "balanced", messages: asked.messages });
assert(counted.input_tokens > 0);
passed("count_tokens");

await assert.rejects(
  client.messages.create({ model: "claude-99", ...asked }),
  (error) => error instanceof NotFoundError && error.error.error.code === "model_not_found",
);
passed("errors");
