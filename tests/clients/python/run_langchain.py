"""LangChain, seen by OpenInference's instrumentation of it."""

import openai
from export import start_traces
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from scenes import SESSION, USER, play

traces = start_traces()
LangChainInstrumentor().instrument()


@tool
def get_weather(city: str) -> str:
    """The weather."""
    return '{"rain": true}'


def calls():
    model = ChatOpenAI(model="gpt-4o-mini", max_retries=0, stream_usage=True)
    model.invoke("plain: what is the capital of France?")
    for _ in model.stream("stream: count to three"):
        pass
    question = HumanMessage("tool: what is the weather in Oslo?")
    with_tools = model.bind_tools([get_weather])
    answer = with_tools.invoke([question])
    result = get_weather.invoke(answer.tool_calls[0])
    with_tools.invoke([question, answer, result])
    model.invoke("cached: is it in the long document?")
    for text, refused in (("fail: too long", openai.BadRequestError), ("busy: too fast", openai.RateLimitError)):
        try:
            model.invoke(text)
            raise SystemExit("it was not refused")
        except refused:
            pass


with using_attributes(session_id=SESSION, user_id=USER):
    play(calls)
traces.shutdown()
