"""OpenTelemetry's own instrumentation of OpenAI: spans, and prompts and answers as log records."""

from export import start_logs, start_traces
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from scenes import SESSION, USER, calls_of_this_run, play

traces, logs = start_traces(), start_logs()
OpenAIInstrumentor().instrument()
play(calls_of_this_run(), {"session.id": SESSION, "user.id": USER})
traces.shutdown()
logs.shutdown()
