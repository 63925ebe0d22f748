"""langchain-openai and langchain-anthropic: chat, stream, tools, structured output, embeddings."""

from check import TOKEN, URL, passed
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class City(BaseModel):
    """A city."""

    name: str


def weather(city: str) -> str:
    """The weather of a city."""
    return city


OPENAI = {"base_url": f"{URL}/v1", "api_key": TOKEN}
for name, model in (
    ("langchain-openai", ChatOpenAI(model="balanced", **OPENAI)),
    ("langchain-openai, responses", ChatOpenAI(model="eco", use_responses_api=True, **OPENAI)),
    ("langchain-anthropic", ChatAnthropic(model="precision", base_url=URL, api_key=TOKEN)),
):
    assert model.invoke("Hello").text
    assert "".join(one.text for one in model.stream("Hello"))
    called = model.bind_tools([weather]).invoke("please call tool")
    assert called.tool_calls[0]["name"] == "weather"
    assert isinstance(model.with_structured_output(City).invoke("Oslo"), City)
    passed(name)

for how in ({}, {"check_embedding_ctx_length": False}):
    embedder = OpenAIEmbeddings(model="text-embedding-3-small", **OPENAI, **how)
    try:
        assert len(embedder.embed_documents(["a", "b"])[1]) == 1536
    except OSError:
        continue  # tiktoken downloads its ranks, and there is no network here
    passed("langchain-openai, embeddings")
