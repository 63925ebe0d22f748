"""openai-agents: an agent with a tool, by responses and by chat."""

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from check import TOKEN, URL, passed
from openai import AsyncOpenAI

set_tracing_disabled(True)
client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=TOKEN)
asked = []


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


for name, kind in (("responses", OpenAIResponsesModel), ("chat", OpenAIChatCompletionsModel)):
    asked.clear()
    agent = Agent(
        name="Forecaster",
        model=kind("balanced", client),
        tools=[weather],
        model_settings=ModelSettings(tool_choice="required"),
    )
    assert Runner.run_sync(agent, "Oslo").final_output
    assert asked, "no tool was called"
    passed(name)
