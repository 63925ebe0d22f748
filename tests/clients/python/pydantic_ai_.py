"""pydantic-ai: structured output and tools, by chat and responses.

Not by messages: its model for Anthropic does not run with anthropic 2.14 ("Cannot instantiate
typing.Union", before anything is sent).
"""

from check import TOKEN, URL, passed
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class City(BaseModel):
    """A city."""

    name: str


asked = []


def weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


# With a client of our own: it makes one on httpx, and the SDK of today asks for httpx2.
openai = OpenAIProvider(openai_client=AsyncOpenAI(base_url=f"{URL}/v1", api_key=TOKEN))
for name, model in (
    ("chat", OpenAIChatModel("balanced", provider=openai)),
    ("responses", OpenAIResponsesModel("eco", provider=openai)),
):
    asked.clear()
    agent = Agent(model, output_type=City, tools=[weather])
    assert isinstance(agent.run_sync("Oslo").output, City)
    assert asked, "no tool was called"
    passed(name)
