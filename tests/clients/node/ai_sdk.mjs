// Vercel's AI SDK with its telemetry, sent by OpenTelemetry's JSON exporter.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { DiagConsoleLogger, DiagLogLevel, diag, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { embed, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();

const openai = createOpenAI();
const models = {
  openai: openai.chat("gpt-4o-mini"),
  anthropic: createAnthropic({ baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1` })("claude-sonnet-4-5"),
};
const of = process.env.PROVIDER;
const experimental_telemetry = { isEnabled: true, metadata: { sessionId: "session-7", userId: "user-7" } };
const ask = { model: models[of], maxRetries: 0, experimental_telemetry };

async function play() {
  await generateText({ ...ask, prompt: "plain: what is the capital of France?" });
  await streamText({ ...ask, prompt: "stream: count to three" }).consumeStream();
  const get_weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => ({ rain: true }) });
  const prompt = "tool: what is the weather in Oslo?";
  await generateText({ ...ask, prompt, tools: { get_weather }, stopWhen: stepCountIs(3) });
  await generateText({ ...ask, prompt: "cached: is it in the long document?" });
  for (const prompt of ["fail: too long", "busy: too fast"]) {
    const refused = await generateText({ ...ask, prompt }).then(() => false, () => true);
    if (!refused) throw new Error("it was not refused");
  }
  if (of === "openai") {
    await embed({ model: openai.embedding("text-embedding-3-small"), value: "embed: a passage", experimental_telemetry });
    // What openai("...") alone means: the responses API.
    await generateText({ ...ask, model: openai("gpt-4o-mini"), prompt: "cached: once more" });
  }
}

await trace.getTracer("shop").startActiveSpan("handle request", async (span) => {
  await play();
  span.end();
});
await provider.shutdown();
