"""How a conversation goes on that another provider began, one request a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.fakes.strict.images import GIF, JPEG, PNG
from tests.wire.pairs.beginnings import Answer

Request = dict[str, Any]
Kept = Callable[[str], Answer]
"""The client's copy of an answer of this kind."""

TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "degrees": {"type": "integer", "minimum": -90, "maximum": 60},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 2},
        "when": {"type": "string", "format": "week"},
        "where": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {}}]},
    },
    "required": ["degrees"],
}


def _user(content: object = "And tomorrow?", **more: object) -> Answer:
    return {"role": "user", "content": content, **more}


def _results(answer: Answer, content: object = "sunny") -> list[Answer]:
    calls = answer.get("tool_calls") or []
    return [{"role": "tool", "tool_call_id": call["id"], "content": content} for call in calls]


def _request(*messages: Answer, **more: object) -> Request:
    return {"messages": list(messages), "max_tokens": 1000, **more}


def _after_thoughts(kept: Kept) -> Request:
    developer = {"role": "developer", "content": "Be brief."}
    return _request(developer, _user("Weather?"), kept("thoughts"), _user())


def _after_a_call(kept: Kept) -> Request:
    answer = kept("call")
    return _request(_user("Weather?"), answer, *_results(answer), _user(), tools=TOOLS)


def _with_results_in_another_order(kept: Kept) -> Request:
    answer = kept("parallel")
    return _request(_user("Weather?"), answer, *reversed(_results(answer)), tools=TOOLS)


def _with_a_result_after_a_question(kept: Kept) -> Request:
    answer = kept("parallel")
    first, second = _results(answer)
    return _request(_user("Weather?"), answer, first, _user("Quick!"), second, tools=TOOLS)


def _with_a_result_missing(kept: Kept) -> Request:
    answer = kept("parallel")
    return _request(_user("Weather?"), answer, _results(answer)[0], _user(), tools=TOOLS)


def _with_a_result_of_no_call(kept: Kept) -> Request:
    orphan = {"role": "tool", "tool_call_id": "gone", "content": "rain"}
    return _request(_user("Weather?"), kept("thoughts"), orphan, _user(), tools=TOOLS)


def _after_a_refusal(kept: Kept) -> Request:
    return _request(_user("Weather?"), kept("refusal"), _user("Then a joke."))


def _after_cut_arguments(kept: Kept) -> Request:
    answer = kept("cut")
    results = _results(answer, "the arguments were no JSON")
    return _request(_user("Weather?"), answer, *results, _user("try again"), tools=TOOLS)


def _without_tools(kept: Kept) -> Request:
    answer = kept("call")
    return _request(_user("Weather?"), answer, *_results(answer), _user("Sum up."))


def _with_calls_twice(kept: Kept) -> Request:
    """Ids are the same in both turns where a provider counts them from zero in each."""
    answer = kept("parallel")
    turn = [_user("Weather?"), answer, *_results(answer), {"role": "assistant", "content": "ok"}]
    return _request(*turn, *turn, _user(), tools=TOOLS)


def _image(media_type: str, data: str) -> Answer:
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}


def _with_mislabelled_images(kept: Kept) -> Request:
    images = [_image("image/png", JPEG), _image("image/jpg", PNG), _image("", GIF)]
    asked = _user([{"type": "text", "text": "What is this?"}, *images])
    return _request(asked, kept("thoughts"), _user())


def _with_a_prefill(kept: Kept) -> Request:
    last = {"role": "assistant", "content": "Sure: "}
    return _request(_user("Weather?"), kept("thoughts"), _user(), last)


def _with_names_and_parts(kept: Kept) -> Request:
    cached = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    text = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    answer = kept("call")
    return _request(
        {"role": "system", "content": text},
        _user([cached], name="Ann"),
        answer,
        *_results(answer, [{"type": "text", "text": "sunny"}]),
        _user(),
        _user("Now!", name="Bob"),
        tools=[{**TOOLS[0], "cache_control": {"type": "ephemeral"}}],
    )


def _with_nothing_said(kept: Kept) -> Request:
    """An empty answer, null content, an empty list of calls, and the same role twice."""
    empty = {"role": "assistant", "content": None, "tool_calls": []}
    return _request(_user("Weather?"), empty, kept("thoughts"), _user("Go on."), _user())


def _with_a_greeting_first(kept: Kept) -> Request:
    system = {"role": "system", "content": "Be brief."}
    greeting = {"role": "assistant", "content": "Hello!"}
    return _request(system, greeting, _user("Weather?"), kept("thoughts"), _user(), tools=[])


def _with_hints(kept: Kept) -> Request:
    return _request(
        *_after_thoughts(kept)["messages"],
        seed=7,
        user="user-1",
        verbosity="low",
        metadata={"a": "b"},
        store=False,
        prompt_cache_key="k",
        reasoning_effort="minimal",
    )


def _with_a_schema(kept: Kept) -> Request:
    form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}
    return _request(*_after_thoughts(kept)["messages"], response_format=form)


def _with_sampling(kept: Kept) -> Request:
    """Of a model that a level chose."""
    sampling = {"temperature": 0.2, "top_p": 0.9, "presence_penalty": 0, "frequency_penalty": 0.5}
    return _request(*_after_thoughts(kept)["messages"], **sampling)


CONVERSATIONS: Final[dict[str, Callable[[Kept], Request]]] = {
    one.__name__.strip("_").replace("_", " "): one
    for one in (
        *(_after_thoughts, _after_a_call, _with_results_in_another_order),
        *(_with_a_result_after_a_question, _with_a_result_missing, _with_a_result_of_no_call),
        *(_after_a_refusal, _after_cut_arguments, _without_tools, _with_calls_twice),
        *(_with_mislabelled_images, _with_a_prefill, _with_names_and_parts, _with_nothing_said),
        *(_with_a_greeting_first, _with_hints, _with_a_schema, _with_sampling),
    )
}
