"""OpenInference's instrumentations of OpenAI and Anthropic."""

from export import start_traces
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from scenes import SESSION, USER, calls_of_this_run, play

traces = start_traces()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
with using_attributes(session_id=SESSION, user_id=USER):
    play(calls_of_this_run())
traces.shutdown()
