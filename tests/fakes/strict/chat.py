"""Rules of servers that speak OpenAI's chat completions, to be given each server's own facts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.fakes.strict.images import IMAGE, media_type_of
from tests.fakes.strict.rule import Body, Rule

ANY_CALL_ID = r".+"


def only_fields(source: str, known: Iterable[str]) -> Rule:
    """Fields of the request itself that are not `known` are refused."""
    names = frozenset(known)

    def broken(body: Body) -> Iterator[str]:
        yield from (f"Unknown name '{name}'" for name in body if name not in names)

    return Rule(source, broken)


def no_fields(source: str, refused: Iterable[str]) -> Rule:
    names = frozenset(refused)

    def broken(body: Body) -> Iterator[str]:
        yield from (f"property '{name}' is unsupported" for name in names & body.keys())

    return Rule(source, broken)


def only_message_fields(source: str, known: Mapping[str, Iterable[str]]) -> Rule:
    """`known`: the fields of a message by its role; a role that is not there is not looked at."""
    names = {role: {"role", *fields} for role, fields in known.items()}

    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            for name in message.keys() - names.get(message["role"], message.keys()):
                yield f"'messages.{place}' : property '{name}' is unsupported"

    return Rule(source, broken)


def only_roles(source: str, known: Iterable[str]) -> Rule:
    roles = frozenset(known)

    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            if message["role"] not in roles:
                yield f"messages[{place}].role: unknown variant `{message['role']}`"

    return Rule(source, broken)


def only_part_fields(source: str, known: Mapping[str, Iterable[str]]) -> Rule:
    """`known`: the fields of a content part by its type; other types are refused."""

    def broken(body: Body) -> Iterator[str]:
        for place, part in _parts(body):
            if part["type"] not in known:
                yield f"{place}: unknown content type '{part['type']}'"
            else:
                for name in part.keys() - {"type", *known[part["type"]]}:
                    yield f"{place}: property '{name}' is unsupported"

    return Rule(source, broken)


def only_tool_fields(source: str, known: Iterable[str] = ("type", "function")) -> Rule:
    names = frozenset(known)

    def broken(body: Body) -> Iterator[str]:
        tools: list[Body] = body.get("tools") or []
        for place, tool in enumerate(tools):
            yield from (f"tools[{place}]: unknown '{name}'" for name in tool.keys() - names)

    return Rule(source, broken)


def only_call_fields(source: str, known: Iterable[str] = ("id", "type", "function")) -> Rule:
    names = frozenset(known)

    def broken(body: Body) -> Iterator[str]:
        for place, call in calls(body):
            yield from (
                f"{place}: property '{name}' is unsupported" for name in call.keys() - names
            )
            for name in call["function"].keys() - {"name", "arguments"}:
                yield f"{place}.function: property '{name}' is unsupported"
            if call.get("type") != "function":
                yield f"{place}.type: expected 'function'"

    return Rule(source, broken)


def call_ids(source: str, pattern: str) -> Rule:
    """Ids match `pattern`, in calls and in results."""

    def broken(body: Body) -> Iterator[str]:
        named = [(f"{place}.id", call["id"]) for place, call in calls(body)]
        for place, message in enumerate(body["messages"]):
            if message["role"] == "tool":
                named.append((f"messages[{place}].tool_call_id", message["tool_call_id"]))
        for place, value in named:
            if not re.fullmatch(pattern, value):
                yield f"Invalid '{place}': {value!r} does not match {pattern}"

    return Rule(source, broken)


def arguments_are_objects(source: str) -> Rule:
    def broken(body: Body) -> Iterator[str]:
        for place, call in calls(body):
            arguments = call["function"]["arguments"]
            if not isinstance(arguments, str):
                yield f"{place}.function.arguments: expected a string"
            elif not _is_object(arguments):
                yield f"{place}.function.arguments must be a valid JSON object string"

    return Rule(source, broken)


def arguments_are_text(source: str) -> Rule:
    def broken(body: Body) -> Iterator[str]:
        for place, call in calls(body):
            if not isinstance(call["function"]["arguments"], str):
                yield f"{place}.function.arguments: expected a string"

    return Rule(source, broken)


def every_call_is_answered(source: str) -> Rule:
    """The results of an assistant's calls, all of them and no others, stand behind it."""

    def broken(body: Body) -> Iterator[str]:
        open_ids: list[str] = []
        for place, message in enumerate(body["messages"]):
            if message["role"] == "tool":
                if message["tool_call_id"] in open_ids:
                    open_ids.remove(message["tool_call_id"])
                else:
                    yield f"messages[{place}]: a tool message must answer a preceding tool_call"
                continue
            if open_ids:
                yield f"messages[{place}]: no tool messages for tool_call_ids {open_ids}"
            open_ids = [call["id"] for call in message.get("tool_calls") or ()]
        if open_ids:
            yield f"the conversation ends without tool messages for {open_ids}"

    return Rule(source, broken)


def no_empty_calls(source: str) -> Rule:
    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            if "tool_calls" in message and not message["tool_calls"]:
                yield f"[] is too short - 'messages.{place}.tool_calls'"

    return Rule(source, broken)


def content_is_given(source: str, *, refusal_will_do: bool = False) -> Rule:
    """An assistant's content may be null beside calls alone."""

    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            instead = message.get("tool_calls") or (refusal_will_do and message.get("refusal"))
            if message.get("content") is None and not instead:
                yield f"Invalid value for 'messages[{place}].content': expected a string, got null"

    return Rule(source, broken)


def content_is_text(source: str, roles: Iterable[str]) -> Rule:
    named = frozenset(roles)

    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            if message["role"] in named and isinstance(message.get("content"), list):
                yield f"messages[{place}]: invalid type: sequence, expected a string"

    return Rule(source, broken)


def no_nulls(source: str, fields: Iterable[str]) -> Rule:
    names = frozenset(fields)

    def broken(body: Body) -> Iterator[str]:
        for place, message in enumerate(body["messages"]):
            for name in names & message.keys():
                if message[name] is None:
                    yield f"messages[{place}].{name}: Value is not a string: null"

    return Rule(source, broken)


def images_are_what_they_say(source: str) -> Rule:
    def broken(body: Body) -> Iterator[str]:
        for place, part in _parts(body):
            found = IMAGE.match(part["image_url"]["url"]) if part["type"] == "image_url" else None
            if found and found["type"] != media_type_of(found["data"]):
                yield f"{place}: the image appears to be {media_type_of(found['data'])}"

    return Rule(source, broken)


def efforts(source: str, models: str, known: Iterable[str]) -> Rule:
    """`models`: a pattern of the ids that this rule is for; no `known`: the field is refused."""
    values = frozenset(known)

    def broken(body: Body) -> Iterator[str]:
        asked = body.get("reasoning_effort")
        if asked is not None and asked not in values and re.search(models, body["model"]):
            yield f"reasoning_effort: unsupported value '{asked}' for {body['model']}"

    return Rule(source, broken)


def no_sampling(source: str, models: str, fields: Iterable[str]) -> Rule:
    """Any value but the default is refused, unless the effort is `none`."""
    defaults = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}

    def broken(body: Body) -> Iterator[str]:
        if re.search(models, body["model"]) and body.get("reasoning_effort") != "none":
            for name in fields:
                if name in body and body[name] != defaults.get(name):
                    yield f"Unsupported value: '{name}' does not support {body[name]}"

    return Rule(source, broken)


def calls(body: Body) -> Iterator[tuple[str, Body]]:
    """Each call of a tool in the history, with where it stands."""
    for place, message in enumerate(body["messages"]):
        for index, call in enumerate(message.get("tool_calls") or ()):
            yield f"messages[{place}].tool_calls[{index}]", call


def _parts(body: Body) -> Iterator[tuple[str, Body]]:
    for place, message in enumerate(body["messages"]):
        content: Any = message.get("content")
        if not isinstance(content, str | None):
            for index, part in enumerate(content):
                yield f"messages[{place}].content[{index}]", part


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
