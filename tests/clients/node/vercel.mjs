// Vercel's ai, with its providers for OpenAI, Anthropic, and servers compatible with OpenAI.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, streamText, tool } from "ai";
import { z } from "zod";

const baseURL = `${process.env.GATEWAY_URL}/v1`;
const apiKey = process.env.GATEWAY_TOKEN;
const passed = (what) => console.log("passed:", what);
const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({ name: "switchyard", baseURL, apiKey });
const models = {
  "openai (responses)": openai("balanced"),
  "openai (chat)": openai.chat("balanced"),
  anthropic: createAnthropic({ baseURL, apiKey })("precision"),
  "openai-compatible": compatible("eco"),
};
const weather = tool({ description: "The weather", inputSchema: z.object({ city: z.string() }) });

for (const [name, model] of Object.entries(models)) {
  assert((await generateText({ model, prompt: "Hello" })).text);
  let said = "";
  for await (const piece of streamText({ model, prompt: "Hello" }).textStream) said += piece;
  assert(said);
  const called = await generateText({ model, prompt: "please call tool", tools: { weather } });
  assert.equal(called.toolCalls[0].toolName, "weather");
  passed(name);
}

const embedder = openai.embedding ?? openai.textEmbeddingModel;
const made = await embedMany({ model: embedder("text-embedding-3-small"), values: ["a", "b"] });
assert.equal(made.embeddings[1].length, 1536);
passed("openai embeddings");
