"""One event of a stream, or a whole answer: as much of it as is read.

Sources: openai-python, types/chat/chat_completion.py and chat_completion_chunk.py. Usage may stand
in a choice (Moonshot: northes/go-moonshot issue 17) or in x_groq (groq-python, types/chat/
chat_completion_chunk.py, XGroq). An error may stand at the top, in a choice (openrouter.ai,
docs/api_reference/errors-and-debugging), in x_groq, or be the whole of it: `object: error` (vLLM,
protocol.py, ErrorResponse), `type: error` (Anthropic), `message` (with a `code`: RunPod,
runpod-workers/worker-vllm issue 57), `detail` (FastAPI), `errors` (Cloudflare), `code` and `msg`
(Zhipu), `error_msg` (Baidu), `base_resp` (MiniMax; its status_code is 0 where all is well),
`type: response.failed` (an event of the Responses API, from servers that speak both). A reason may
be one too: DeepSeek's insufficient_system_resource (api-docs.deepseek.com, api/create-chat-
completion: "the request is interrupted"), Zhipu's network_error (docs.z.ai, api-reference/llm/
chat-completion).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shared.wire.chat.usage import read_usage, read_usage_beside
from shared.wire.parse.lenient import ABSENT, NotJSON, is_nothing, read_json, read_text
from shared.wire.usage import Counts, merge

Said = Mapping[str, msgspec.Raw]
"""A message or a delta. Its fields are not named: what a provider calls its thoughts is content."""

_ERROR, _USAGE = "error", "usage"
_NOT_SAID = frozenset({"role", _USAGE})
_INTERRUPTED = frozenset({"insufficient_system_resource", "network_error"})
_ERRORS = frozenset({_ERROR, "response.failed"})


class Choice(msgspec.Struct, frozen=True):
    """`finish_reason` "" is none: SGLang and Ollama send it on every chunk (ollama issue 4357)."""

    index: int = 0
    message: dict[str, msgspec.Raw] | None = None
    delta: dict[str, msgspec.Raw] | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT

    @property
    def said(self) -> Said:
        return self.message or self.delta or {}

    @property
    def has_content(self) -> bool:
        """Whether it holds more than a role and empty fields."""
        for name, raw in self.said.items():  # noqa: SIM110  a generator costs more than the loop
            if name not in _NOT_SAID and not is_nothing(raw):
                return True
        return False


class _XGroq(msgspec.Struct, frozen=True):
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


class _BaseResp(msgspec.Struct, frozen=True):
    status_code: msgspec.Raw = ABSENT


class _Told(msgspec.Struct, frozen=True):
    """What an error bears that is the whole of an event, looked at only where nothing is said."""

    object: str | None = None
    type: str | None = None
    message: msgspec.Raw = ABSENT
    detail: msgspec.Raw = ABSENT
    errors: msgspec.Raw = ABSENT
    code: msgspec.Raw = ABSENT
    msg: msgspec.Raw = ABSENT
    error_msg: msgspec.Raw = ABSENT
    base_resp: _BaseResp | None = None

    @property
    def is_error(self) -> bool:
        told = (self.message, self.detail, self.errors, self.error_msg)
        return (
            self.object == _ERROR
            or self.type in _ERRORS
            or not all(map(is_nothing, told))
            or not (is_nothing(self.msg) or is_nothing(self.code))
            or not (self.base_resp is None or is_nothing(self.base_resp.status_code))
        )


class Chunk(msgspec.Struct, frozen=True):
    """`choices` None: null or absent."""

    choices: tuple[Choice, ...] | None = None
    usage: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    created: msgspec.Raw = ABSENT
    model: str | None = None
    service_tier: str | None = None
    error: msgspec.Raw = ABSENT
    x_groq: _XGroq | None = None

    @property
    def has_content(self) -> bool:
        for choice in self.choices or ():  # noqa: SIM110  as above
            if choice.has_content:
                return True
        return False

    @property
    def finish_reason(self) -> str | None:
        """The first choice's that gives one."""
        for choice in self.choices or ():
            if choice.finish_reason:
                return choice.finish_reason
        return None

    @property
    def bears_usage(self) -> bool:
        """Whether there is a usage, whatever it says."""
        return not is_nothing(self.usage)

    @property
    def counts(self) -> Counts | None:
        found = read_usage(self.usage)
        if self.x_groq is not None and found is None:
            found = read_usage(self.x_groq.usage)
        for choice in self.choices or ():
            if choice.usage is not ABSENT:
                found = merge(read_usage(choice.usage), found)
            if _USAGE in choice.said:
                found = merge(read_usage(choice.said[_USAGE]), found)
        return found


_chunk = msgspec.json.Decoder(Chunk)
_told = msgspec.json.Decoder(_Told)


def read_chunk(data: bytes) -> Chunk:
    """Raises NotJSON where it is not a JSON object."""
    return read_json(_chunk, data)


def counts_of(chunk: Chunk, data: bytes) -> Counts | None:
    """What `data`, read as `chunk`, says of usage, wherever it stands."""
    counts = chunk.counts
    return read_usage_beside(data) if counts is None else counts


def error_of(chunk: Chunk, data: bytes) -> bytes | None:
    """The error that `data`, read as `chunk`, is or holds, as a body of its own; else None."""
    if not is_nothing(chunk.error) and not _is_empty(chunk.error):
        return data
    if chunk.x_groq is not None and not is_nothing(chunk.x_groq.error):
        return b'{"error":%b}' % bytes(chunk.x_groq.error)
    for choice in chunk.choices or ():
        for error in (choice.error, choice.said.get(_ERROR, ABSENT)):
            if not is_nothing(error) and not _is_empty(error):
                return b'{"error":%b}' % bytes(error)
        reason = choice.finish_reason
        if reason == _ERROR or (reason in _INTERRUPTED and not choice.has_content):
            return data
    if chunk.choices or chunk.bears_usage:
        return None
    return data if read_json(_told, data).is_error else None


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _is_empty(error: msgspec.Raw) -> bool:
    """Whether it is an object that says nothing, such as {"code": null, "message": ""}."""
    if bytes(error)[:1] != b"{":
        return False
    try:
        return all(is_nothing(raw) for raw in read_json(_fields, error).values())
    except NotJSON:
        return False


_list = msgspec.json.Decoder(tuple[dict[str, msgspec.Raw], ...])
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_OF_A_PART = ("text", "content", "refusal", "summary", "thinking", "transcript")


def texts_of(said: Said) -> Iterator[str]:
    """What the model said, for an answer whose tokens nobody counted: texts, thoughts, calls.

    Thoughts come under one name or, in the time between two names, under several at once
    (OpenRouter, vLLM): the longest counts.
    """
    for name in ("content", "refusal", "audio"):
        yield from _texts(said.get(name, ABSENT))
    thoughts = ["".join(_texts(said.get(name, ABSENT))) for name in _THOUGHTS if name in said]
    yield max(thoughts, key=len, default="")
    for call in _objects(said.get("tool_calls", ABSENT)):
        yield from _function(call.get("function", ABSENT))
    yield from _function(said.get("function_call", ABSENT))


def _function(raw: msgspec.Raw) -> Iterator[str]:
    for function in _objects(raw):
        yield from _texts(function.get("name", ABSENT))
        arguments = function.get("arguments", ABSENT)
        is_object = bytes(memoryview(arguments)[:1]) == b"{"
        yield from ([bytes(arguments).decode()] if is_object else _texts(arguments))


def _texts(raw: msgspec.Raw) -> Iterator[str]:
    """A text, or the texts in parts (mistralai/client-python, models/contentchunk.py)."""
    kind = bytes(raw)[:1]
    if kind == b'"':
        yield read_text(raw)
    elif kind in (b"[", b"{"):
        for part in _objects(raw):
            for name in _OF_A_PART:
                yield from _texts(part.get(name, ABSENT))


def _objects(raw: msgspec.Raw) -> tuple[Said, ...]:
    kind = bytes(raw)[:1]
    try:
        if kind == b"{":
            return (read_json(_fields, raw),)
        return read_json(_list, raw) if kind == b"[" else ()
    except NotJSON:
        return ()
