"""Traceloop's (OpenLLMetry's) instrumentations of OpenAI and Anthropic."""

from export import start_traces
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from scenes import SESSION, USER, calls_of_this_run, play

traces = start_traces()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
play(calls_of_this_run(), {"session.id": SESSION, "user.id": USER})
traces.shutdown()
