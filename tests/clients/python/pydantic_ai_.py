"""pydantic-ai: structured output and tools, by chat, responses and messages."""

from check import TOKEN, URL, passed
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


class City(BaseModel):
    """A city."""

    name: str


asked = []


def weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


openai = OpenAIProvider(base_url=f"{URL}/v1", api_key=TOKEN)
anthropic = AnthropicProvider(base_url=URL, api_key=TOKEN)
for name, model in (
    ("chat", OpenAIChatModel("balanced", provider=openai)),
    ("responses", OpenAIResponsesModel("eco", provider=openai)),
    ("messages", AnthropicModel("precision", provider=anthropic)),
):
    asked.clear()
    agent = Agent(model, output_type=City, tools=[weather])
    assert isinstance(agent.run_sync("Oslo").output, City)
    assert asked, "no tool was called"
    passed(name)
