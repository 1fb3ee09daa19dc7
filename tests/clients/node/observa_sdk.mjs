// observa-sdk: track() around a response, and events by hand below a trace. Its wrappers of OpenAI's and Anthropic's clients are
// not in the published package.
import { init } from "observa-sdk";
import OpenAI from "openai";

const { OBSERVA_URL, OPENAI_BASE_URL } = process.env;
const session = { sessionId: "session-7", userId: "user-7" };
// A key of its own form says whose it is; with another, tenant and project are told.
const observa = init({ apiKey: process.env.OBSERVA_KEY, apiUrl: OBSERVA_URL, tenantId: "default", projectId: "default", environment: "prod", mode: "production" });
const messages = (content) => [{ role: "user", content }];

// Answers that track() reads by itself.
async function tracked(content, stream) {
  const body = JSON.stringify({ model: "gpt-4o-mini", messages: messages(content), stream, stream_options: stream ? { include_usage: true } : undefined });
  const call = () => fetch(`${OPENAI_BASE_URL}/chat/completions`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const response = await observa.track({ query: content, model: "gpt-4o-mini", ...session }, call);
  await response.text();
}
await tracked("plain: what is the capital of France?", false);
await tracked("stream: count to three", true);

// By hand: a trace with calls, a tool and an error.
const openai = new OpenAI({ maxRetries: 0 });
async function call(content, more = {}) {
  const begun = Date.now();
  const answer = await openai.chat.completions.create({ model: "gpt-4o-mini", messages: messages(content), ...more });
  const { usage, choices, id, model } = answer;
  const span = observa.trackLLMCall({
    model: "gpt-4o-mini", responseModel: model, input: content, output: choices[0].message.content, responseId: id,
    inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens, totalTokens: usage.total_tokens,
    latencyMs: Date.now() - begun, finishReason: choices[0].finish_reason,
  });
  return { span, message: choices[0].message };
}
observa.startTrace({ name: "handle request", ...session });
const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } }];
const question = "tool: what is the weather in Oslo?";
const { span, message } = await call(question, { tools });
const used = message.tool_calls[0];
observa.withSpan(span, () => observa.trackToolCall({
  toolName: used.function.name, args: JSON.parse(used.function.arguments), result: { rain: true }, resultStatus: "success", latencyMs: 3, toolCallId: used.id,
}));
const result = { role: "tool", tool_call_id: used.id, content: '{"rain": true}' };
await call(question, { tools, messages: [...messages(question), message, result] });
try {
  await call("fail: too long");
  throw new Error("it was not refused");
} catch (error) {
  observa.trackError({ errorType: error.type, errorMessage: error.message, errorCode: String(error.status), error });
}
const begun = Date.now();
const embedded = await openai.embeddings.create({ model: "text-embedding-3-small", input: "embed: a passage" });
observa.trackEmbedding({ model: "text-embedding-3-small", inputTokens: embedded.usage.prompt_tokens, latencyMs: Date.now() - begun, dimensionCount: 3 });
await observa.endTrace({ outcome: "success" });
await observa.end();
