"""What is answered to a request: a function of the request alone.

The token rule, the same wherever tokens are counted here: a text is ceil(UTF-8 bytes / 4) tokens;
a prompt is the sum over its messages of their text's tokens plus 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from functions.simulated_provider.request import ChatRequest, ToolFunction
from functions.simulated_provider.schema import instance_of
from functions.simulated_provider.tool_choice import functions_to_call

OPENING = "This is a simulated answer: no model was called."
MOST_PIECES = 64
_JSON_PIECE = 8
_ANY_OBJECT = '{"simulated":true}'
_ECHOED_CHARACTERS = 80
_TOKENS_A_MESSAGE = 4
_WORD = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Call:
    """`pieces` are of the arguments; a stream sends one an event."""

    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text in `pieces`, one an event in a stream, or `calls` of functions in its place."""

    pieces: tuple[str, ...]
    calls: tuple[Call, ...]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def answer(request: ChatRequest) -> Answer:
    """Tool calls or JSON where the request asks for them, else a sentence that echoes its words."""
    functions = functions_to_call(request)
    if functions:
        return _calling(functions, request)
    wanted = json_for(request)
    if wanted is not None:
        return saying(wanted, request, json_pieces(wanted))
    return saying(text_for(request), request)


def saying(text: str, request: ChatRequest, whole: Sequence[str] | None = None) -> Answer:
    """`text` as the answer: shortened to the request's limit, counted, in at most 64 pieces.

    `whole` are its pieces where it is not cut into words.
    """
    sent = _shorten(text, request.limit())
    is_cut = len(sent) < len(text)
    return Answer(
        pieces=tuple(whole) if whole and not is_cut else pieces(sent, MOST_PIECES),
        calls=(),
        finish_reason="length" if is_cut else "stop",
        prompt_tokens=_prompt_tokens(request),
        completion_tokens=tokens(sent),
    )


def json_for(request: ChatRequest) -> str | None:
    """JSON of the format asked for; None where that is text."""
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is None or wanted.json_schema.schema is None:
        return _ANY_OBJECT
    return _json(wanted.json_schema.schema)


def text_for(request: ChatRequest) -> str:
    """That no model was called, and up to 80 characters of what the user said last."""
    for message in reversed(request.messages):
        if message.role == "user":
            # A slice first: a prompt may be megabytes, and only its beginning is echoed.
            said = " ".join(message.text()[: 4 * _ECHOED_CHARACTERS].split())
            echo = said[:_ECHOED_CHARACTERS].rstrip()
            if echo:
                return f"{OPENING} You asked: {echo}{'…' if len(said) > len(echo) else ''}"
            break
    return OPENING


def pieces(text: str, most: int) -> tuple[str, ...]:
    """The text, a word a piece, or several words a piece when there are more than `most`."""
    words = _WORD.findall(text)
    count = len(words)
    if count <= most:
        return tuple(words)
    return tuple("".join(words[i * count // most : (i + 1) * count // most]) for i in range(most))


def json_pieces(text: str) -> tuple[str, ...]:
    """JSON in at most 64 pieces of one length: it has no words to be cut into."""
    size = max(_JSON_PIECE, -(-len(text) // MOST_PIECES))
    return tuple(text[start : start + size] for start in range(0, len(text), size))


def _calling(functions: Sequence[ToolFunction], request: ChatRequest) -> Answer:
    """One call after the other, as far as the request's limit goes."""
    calls: list[Call] = []
    left, spent, is_cut = request.limit(), 0, False
    for function in functions:
        whole = "{}" if not function.parameters else _json(_as_object(function.parameters))
        sent = _shorten(whole, None if left is None else left - spent)
        calls.append(Call(function.name, json_pieces(sent)))
        spent += tokens(sent)
        is_cut = len(sent) < len(whole)
        if is_cut:
            break
    return Answer(
        pieces=(),
        calls=tuple(calls),
        finish_reason="length" if is_cut else "tool_calls",
        prompt_tokens=_prompt_tokens(request),
        completion_tokens=spent,
    )


def _as_object(parameters: object) -> object:
    """Arguments are an object, also where the schema does not say so."""
    given = cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {}
    return {"type": "object", **given}


def _json(schema: object) -> str:
    return msgspec.json.encode(instance_of(schema)).decode()


def _prompt_tokens(request: ChatRequest) -> int:
    return sum(tokens(one.text()) + _TOKENS_A_MESSAGE for one in request.messages)


def _shorten(text: str, limit: int | None) -> str:
    """At most `limit` tokens of the text; a character is never split."""
    if limit is None or tokens(text) <= limit:
        return text
    return text.encode()[: 4 * limit].decode(errors="ignore")
