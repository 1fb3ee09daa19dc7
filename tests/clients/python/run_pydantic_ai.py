"""pydantic-ai with its own instrumentation. Logfire exports the same."""

import asyncio

from export import start_traces
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from scenes import OPENAI_MODEL, SESSION, USER, play

traces = start_traces()
Agent.instrument_all()
provider = OpenAIProvider(openai_client=AsyncOpenAI(max_retries=0))
agent = Agent(OpenAIChatModel(OPENAI_MODEL, provider=provider), name="helper")


@agent.tool_plain
def get_weather(city: str) -> dict:
    return {"rain": city == "Oslo"}


async def calls():
    await agent.run("plain: what is the capital of France?")
    async with agent.run_stream("stream: count to three") as answer:
        await answer.get_output()
    await agent.run("tool: what is the weather in Oslo?")
    await agent.run("cached: is it in the long document?")
    for text in ("fail: too long", "busy: too fast"):
        try:
            await agent.run(text)
            raise SystemExit("it was not refused")
        except ModelHTTPError:
            pass


play(lambda: asyncio.run(calls()), {"session.id": SESSION, "user.id": USER})
traces.shutdown()
