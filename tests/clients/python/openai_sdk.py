"""openai for Python: chat, its stream, tools, structured output, embeddings, responses, errors."""

from check import TOKEN, URL, passed, raised
from openai import NotFoundError, OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=f"{URL}/v1", api_key=TOKEN)
HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class City(BaseModel):
    name: str


whole = client.chat.completions.create(model="balanced", messages=HELLO)
assert whole.choices[0].message.content, whole
assert whole.model_extra["_metadata"]["request_id"]
passed("chat")

pieces = list(client.chat.completions.create(model="eco", messages=HELLO, stream=True))
assert "".join(one.choices[0].delta.content or "" for one in pieces if one.choices)
passed("stream")

called = client.chat.completions.create(
    model="precision", messages=[{"role": "user", "content": "please call tool"}], tools=[TOOL]
)
assert called.choices[0].message.tool_calls[0].function.name == "weather"
passed("tools")

parsed = client.chat.completions.parse(model="balanced", messages=HELLO, response_format=City)
assert isinstance(parsed.choices[0].message.parsed, City)
passed("structured output")

for how in ({}, {"encoding_format": "float"}, {"dimensions": 64}):
    made = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], **how)
    assert [len(one.embedding) for one in made.data] == [how.get("dimensions", 1536)] * 2
    assert isinstance(made.data[0].embedding[0], float)
    assert made.usage.prompt_tokens > 0
passed("embeddings")

told = client.responses.create(model="balanced", input="Hello")
assert told.output_text, told
with client.responses.stream(model="balanced", input="Hello") as stream:
    assert stream.get_final_response().output_text
passed("responses")

listed = {one.id for one in client.models.list()}
assert {"eco", "text-embedding-3-small"} <= listed, listed
passed("models")

asking = {"model": "gpt-99", "messages": HELLO}
error = raised(NotFoundError, lambda: client.chat.completions.create(**asking))
assert (error.code, error.param) == ("model_not_found", "model")
assert error.request_id
passed("errors")
