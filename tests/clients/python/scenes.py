"""The calls that each Python client makes, below one span, in a session of a user. The provider answers by the first word."""

import os

import openai
from opentelemetry import trace

SESSION, USER = "session-7", "user-7"
OPENAI_MODEL, ANTHROPIC_MODEL = "gpt-4o-mini", "claude-sonnet-4-5"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def openai_calls():
    client = openai.OpenAI(max_retries=0)
    chat = client.chat.completions

    def ask(text, **more):
        return chat.create(model=OPENAI_MODEL, messages=[{"role": "user", "content": text}], **more)

    ask("plain: what is the capital of France?")
    for _ in ask("stream: count to three", stream=True, stream_options={"include_usage": True}):
        pass
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
    message = ask("tool: what is the weather in Oslo?", tools=tools).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"rain": true}'}
    question = {"role": "user", "content": "tool: what is the weather in Oslo?"}
    answer = {"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]}
    chat.create(model=OPENAI_MODEL, messages=[question, answer, result], tools=tools)
    ask("cached: is it in the long document?")
    for text, refused in (("fail: too long", openai.BadRequestError), ("busy: too fast", openai.RateLimitError)):
        try:
            ask(text)
            raise SystemExit("it was not refused")
        except refused:
            pass
    client.embeddings.create(model="text-embedding-3-small", input="embed: a passage")


def anthropic_calls():
    import anthropic

    client = anthropic.Anthropic(max_retries=0)

    def ask(messages, **more):
        return client.messages.create(model=ANTHROPIC_MODEL, max_tokens=512, messages=messages, **more)

    def user(content):
        return {"role": "user", "content": content}

    ask([user("plain: what is the capital of France?")])
    for _ in ask([user("stream: count to three")], stream=True):
        pass
    tools = [{"name": "get_weather", "description": "the weather", "input_schema": WEATHER}]
    question = user("tool: what is the weather in Oslo?")
    message = ask([question], tools=tools)
    call = next(part for part in message.content if part.type == "tool_use")
    answer = {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]}
    ask([question, answer, user([{"type": "tool_result", "tool_use_id": call.id, "content": "rain"}])], tools=tools)
    ask([user("cached: is it in the long document?")])
    for text, refused in (("fail: too long", anthropic.BadRequestError), ("busy: too fast", anthropic.RateLimitError)):
        try:
            ask([user(text)])
            raise SystemExit("it was not refused")
        except refused:
            pass


def responses_calls():
    """OpenAI's newer API."""
    responses = openai.OpenAI(max_retries=0).responses

    def ask(text, **more):
        return responses.create(model=OPENAI_MODEL, input=text, **more)

    ask("plain: what is the capital of France?")
    for _ in ask("stream: count to three", stream=True):
        pass
    ask("cached: is it in the long document?")
    for text, refused in (("fail: too long", openai.BadRequestError), ("busy: too fast", openai.RateLimitError)):
        try:
            ask(text)
            raise SystemExit("it was not refused")
        except refused:
            pass


def play(calls, attributes=None):
    """Under one span, which says whose session it is where the client has no way of its own."""
    with trace.get_tracer("shop").start_as_current_span("handle request", attributes=attributes):
        calls()


def calls_of_this_run():
    return {"openai": openai_calls, "responses": responses_calls, "anthropic": anthropic_calls}[os.environ["PROVIDER"]]
