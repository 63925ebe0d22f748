"""anthropic for Python: messages, their stream, tools, counting, models, errors."""

from anthropic import Anthropic, NotFoundError
from check import TOKEN, URL, passed, raised

client = Anthropic(base_url=URL, api_key=TOKEN)
ASKED = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}

for model in ("precision", "balanced"):
    whole = client.messages.create(model=model, **ASKED)
    assert whole.content[0].text, whole
    assert whole.model_extra["_metadata"]["request_id"] == whole._request_id
    passed(f"messages, {model}")
    with client.messages.stream(model=model, **ASKED) as stream:
        said = "".join(stream.text_stream)
        assert said == stream.get_final_message().content[0].text
        assert stream.get_final_message().usage.output_tokens > 0
    passed(f"stream, {model}")
    called = client.messages.create(
        model=model,
        max_tokens=100,
        tools=[TOOL],
        messages=[{"role": "user", "content": "please call tool"}],
    )
    assert (called.stop_reason, called.content[-1].name) == ("tool_use", "weather")
    passed(f"tools, {model}")

counted = client.messages.count_tokens(model="balanced", messages=ASKED["messages"])
assert counted.input_tokens > 0
passed("count_tokens")

assert {"eco", "balanced"} <= {one.id for one in client.models.list()}
passed("models")

error = raised(NotFoundError, lambda: client.messages.create(model="claude-99", **ASKED))
assert error.body["error"]["code"] == "model_not_found"
assert error.request_id
passed("errors")
