"""An answer of a chat completion as a response: its items, its usage, and what of the request it
repeats.

Sources: openai-python, types/responses/{response,response_usage}.py; openresponses.org, schema
ResponseResource (which fields are never missing).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.answer import Completion, text_tokens
from shared.wire.chat.chunk import Choice, Said, read_chunk
from shared.wire.chat.request import ChatRequest
from shared.wire.chat.said import (
    arguments_in,
    index_of,
    object_in,
    objects_in,
    texts_in,
    thought_of,
)
from shared.wire.history.fields import says_nothing
from shared.wire.parse.lenient import ABSENT, encode, is_nothing, read_text
from shared.wire.parse.objects import Fields
from shared.wire.responses.chat_request import all_tools
from shared.wire.responses.items import REFUSAL, SUMMARY, TEXT, THOUGHTS, Kind
from shared.wire.responses.tools import Tool
from shared.wire.responses.writer import ResponseWriter
from shared.wire.usage import Counts

_DEFAULTS: Final[Fields] = {
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_OF_A_FUNCTION: Final[Fields] = {"description": None, "parameters": None, "strict": None}
_reasoning = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_text = msgspec.json.Decoder(dict[str, msgspec.Raw])


def open_writer(request: ChatRequest, created: int) -> ResponseWriter:
    return ResponseWriter(_shown(request), _callable(request), created)


def as_response(completion: Completion, request: ChatRequest, created: int) -> Completion:
    """The response that the first choice of an answer is."""
    answer = read_chunk(completion.body)
    choice = answer.choices[0] if answer.choices else Choice()
    writer = open_writer(request, created)
    writer.begin(read_text(answer.id), answer.model or "")
    say(writer, choice.said, thoughts_as(request))
    reason = choice.finish_reason or ("tool_calls" if writer.calls_tools else "stop")
    usage = usage_object(completion.counts, request.prompt.tokens, text_tokens(completion.body))
    _, response = writer.finish(reason, usage)
    return msgspec.structs.replace(completion, body=encode(response))


def say(writer: ResponseWriter, said: Said, thoughts: Kind) -> bytes:
    """The events of what a message or a delta says."""
    out = [writer.say(thoughts, text) for text in thought_of(said)]
    for block in objects_in(said.get("thinking_blocks", ABSENT)):
        marks = (block.get("signature", ABSENT), block.get("data", ABSENT))
        is_signed = not all(map(is_nothing, marks))
        if not out and not (is_signed and writer.is_telling(thoughts)):
            out += [writer.say(thoughts, text) for text in texts_in(block.get("thinking", ABSENT))]
        if is_signed:
            out.append(writer.sign(thoughts, block))
    for name, kind in (("content", TEXT), ("refusal", REFUSAL)):
        out += [writer.say(kind, text) for text in texts_in(said.get(name, ABSENT))]
    for place, call in enumerate(objects_in(said.get("tool_calls", ABSENT))):
        function = object_in(call.get("function", ABSENT))
        arguments = arguments_in(function)
        out.append(
            writer.call(
                index_of(call) if "index" in call else place,
                read_text(call.get("id", ABSENT)),
                read_text(function.get("name", ABSENT)),
                msgspec.Raw(encode(arguments)) if arguments else None,
            )
        )
    return b"".join(out)


def thoughts_as(request: ChatRequest) -> Kind:
    """As a summary for those who ask for one: many clients show nothing else."""
    raw = request.fields.get("reasoning")
    asked: dict[str, msgspec.Raw] = (_reasoning.decode(raw) if raw is not None else None) or {}
    is_asked = any(not says_nothing(asked.get(name)) for name in ("summary", "generate_summary"))
    return SUMMARY if is_asked else THOUGHTS


def usage_object(
    counts: Counts | None, prompt_tokens: int, completion_tokens: int
) -> dict[str, object]:
    """Usage as Responses tell it. The two numbers are estimates, for what nobody counted."""
    counts = counts or Counts()
    prompt = prompt_tokens if counts.prompt_tokens is None else counts.prompt_tokens
    completion = completion_tokens if counts.completion_tokens is None else counts.completion_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": counts.cached_tokens or 0,
            "cache_write_tokens": counts.cache_write_tokens or 0,
        },
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning_tokens or 0},
        "total_tokens": prompt + completion,
    }


def _callable(request: ChatRequest) -> dict[str, Tool]:
    return {tool.function: tool for tool in all_tools(request.fields)}


def _shown(request: ChatRequest) -> Fields:
    given = request.fields
    shown = {
        name: given[name] if name in given and bytes(given[name]) != b"null" else default
        for name, default in _DEFAULTS.items()
    }
    if isinstance(shown["text"], msgspec.Raw):
        shown["text"] = {"format": {"type": "text"}, **_text.decode(shown["text"])}
    if isinstance(shown["tools"], msgspec.Raw):
        tools: Any = msgspec.json.decode(shown["tools"])
        shown["tools"] = [
            {**_OF_A_FUNCTION, **tool} if tool.get("type") == "function" else tool for tool in tools
        ]
    return shown
