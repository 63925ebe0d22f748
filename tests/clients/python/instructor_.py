"""instructor: structured output by OpenAI's client and by Anthropic's."""

import anthropic
import instructor
import openai
from check import TOKEN, URL, passed
from pydantic import BaseModel, Field


class City(BaseModel):
    """A city."""

    name: str
    people: int = Field(ge=1000)


HELLO = [{"role": "user", "content": "Oslo"}]
client = instructor.from_openai(openai.OpenAI(base_url=f"{URL}/v1", api_key=TOKEN))
for model in ("eco", "balanced", "precision"):
    made = client.chat.completions.create(model=model, response_model=City, messages=HELLO)
    assert made.people >= 1000
    passed(f"openai, {model}")

client = instructor.from_anthropic(anthropic.Anthropic(base_url=URL, api_key=TOKEN))
for model in ("balanced", "precision"):
    made = client.messages.create(model=model, response_model=City, messages=HELLO, max_tokens=500)
    assert made.people >= 1000
    passed(f"anthropic, {model}")
