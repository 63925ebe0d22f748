"""An answer wrapped otherwise than it was asked for: JSON for a stream, or a stream for JSON.

It was paid for, so it is given on in the wrapping that the caller asked for
(inference-gateway/inference-gateway issue 578). Both are in OpenAI's wire here.
"""

from __future__ import annotations

from typing import Any

from shared.wire.chat.answer import Completion, splice, text_tokens
from shared.wire.chat.tool_calls import STOP, TOOL_CALLS
from shared.wire.parse.lenient import encode, loads
from shared.wire.parse.objects import Fields, as_object, as_objects, objects_of
from shared.wire.parse.sse import BOM, DONE, data_event
from shared.wire.usage import Counts

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_NAMES = frozenset({"role", "id", "type", "name"})
"""Texts of a delta that are sent once, where others come piece by piece."""


def is_stream(body: bytes) -> bool:
    """Whether a body begins as server-sent events do, which no JSON does."""
    return body[:64].removeprefix(BOM).lstrip().startswith(_FIELDS)


class WholeAnswer:
    """An answer that came whole, to be sent as a stream. Has the interface of StreamReader."""

    def __init__(self, completion: Completion, *, show_usage: bool) -> None:
        self.is_done = self.is_finished = self.has_reason = True
        self.has_error = False
        self.error: bytes | None = None
        self.counts: Counts | None = completion.counts
        self.model = completion.model
        self.service_tier = completion.service_tier
        self._body = completion.body
        self._show_usage = show_usage
        answer = as_object(loads(completion.body))
        self._choices = as_objects(answer.get("choices"))
        self._usage = answer.get("usage")
        left_out = ("choices", "usage", "object")
        self._head = {name: value for name, value in answer.items() if name not in left_out}
        self._head["object"] = "chat.completion.chunk"

    def first(self) -> bytes:
        """What was said, one chunk for each choice."""
        return b"".join(self._chunk([_said(choice)]) for choice in self._choices)

    def feed(self, data: bytes) -> bytes:
        return b""

    def close(self) -> bytes:
        return b""

    def end(self, metadata: bytes) -> bytes:
        """The reasons, the usage if asked for, `_metadata` on the last of them, and [DONE]."""
        ends = [encode({**self._head, "choices": [_finish(one)]}) for one in self._choices]
        if self._show_usage and self._usage is not None:
            ends.append(encode({**self._head, "choices": [], "usage": self._usage}))
        ends[-1] = splice(ends[-1], metadata)
        return b"".join(map(data_event, ends)) + DONE

    def delivered_tokens(self) -> int:
        return text_tokens(self._body)

    def _chunk(self, choices: list[Fields]) -> bytes:
        return data_event(encode({**self._head, "choices": choices}))


def _message(choice: Fields) -> Fields:
    return dict(as_object(choice.get("message") or choice.get("delta")))


def _said(choice: Fields) -> Fields:
    delta = {"role": "assistant", **_message(choice)}
    if TOOL_CALLS in delta:
        calls = enumerate(as_objects(delta[TOOL_CALLS]))
        delta[TOOL_CALLS] = [{"index": index, **call} for index, call in calls]
    return {
        "index": _index(choice, 0),
        "delta": delta,
        "logprobs": choice.get("logprobs"),
        "finish_reason": None,
    }


def _finish(choice: Fields) -> Fields:
    own = TOOL_CALLS if _message(choice).get(TOOL_CALLS) else STOP
    reason = choice.get("finish_reason") or own
    return {"index": _index(choice, 0), "delta": {}, "logprobs": None, "finish_reason": reason}


def gather(events: bytes) -> bytes:
    """The whole answer that the chunks of a stream come to."""
    answer: Fields = {}
    choices: dict[int, _Gathered] = {}
    for chunk in objects_of(events):
        answer |= {name: value for name, value in chunk.items() if value is not None}
        for choice in as_objects(chunk.get("choices")):
            choices.setdefault(_index(choice, 0), _Gathered()).add(choice)
    answer["object"] = "chat.completion"
    answer["choices"] = [choices[index].choice(index) for index in sorted(choices)]
    answer.pop("_metadata", None)
    return encode(answer)


class _Gathered:
    """One choice, from its pieces."""

    def __init__(self) -> None:
        self._message: Fields = {"role": "assistant", "content": None}
        self._calls: dict[int, Fields] = {}
        self._logprobs: Any = None
        self._reason: Any = None

    def add(self, piece: Fields) -> None:
        for name, value in as_object(piece.get("delta")).items():
            if name == TOOL_CALLS:
                self._add_calls(as_objects(value))
            else:
                self._message[name] = _joined(name, self._message.get(name), value)
        self._logprobs = _joined("logprobs", self._logprobs, piece.get("logprobs"))
        self._reason = piece.get("finish_reason") or self._reason

    def choice(self, index: int) -> Fields:
        calls = [self._calls[place] for place in sorted(self._calls)]
        return {
            "index": index,
            "message": {**self._message, TOOL_CALLS: calls} if calls else self._message,
            "logprobs": self._logprobs,
            "finish_reason": self._reason,
        }

    def _add_calls(self, pieces: list[Fields]) -> None:
        for piece in pieces:
            call = self._calls.setdefault(_index(piece, len(self._calls)), {})
            for name, value in piece.items():
                if name != "index":
                    call[name] = _joined(name, call.get(name), value)


def _joined(name: str, before: Any, piece: Any) -> Any:
    """A field after one more piece: texts and lists grow, the fields of an object each."""
    if piece is None or before is None:
        return before if piece is None else piece
    if isinstance(before, str) and isinstance(piece, str):
        return (piece or before) if name in _NAMES else before + piece
    if isinstance(before, list) and isinstance(piece, list):
        return [*before, *piece]
    if isinstance(before, dict) and isinstance(piece, dict):
        parts = as_object(before)
        for part, value in as_object(piece).items():
            parts = {**parts, part: _joined(part, parts.get(part), value)}
        return parts
    return piece


def _index(piece: Fields, otherwise: int) -> int:
    index = piece.get("index")
    return index if type(index) is int else otherwise
