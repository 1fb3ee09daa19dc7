"""Langfuse's SDK with its wrapper of OpenAI's client: it posts OTLP below /api/public/otel."""

import os

import langfuse.openai  # noqa: F401 (it replaces the methods of openai)
from langfuse import Langfuse, propagate_attributes
from scenes import SESSION, USER, openai_calls

client = Langfuse(
    public_key="pk-lf-0", secret_key="sk-lf-0", host=os.environ["OBSERVA_URL"], additional_headers={"x-api-key": os.environ["OBSERVA_KEY"]}
)
with client.start_as_current_observation(name="handle request", as_type="span"):
    with propagate_attributes(session_id=SESSION, user_id=USER):
        openai_calls()
client.shutdown()
