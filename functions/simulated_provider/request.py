"""The part of a chat completion request that a simulated answer depends on."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from functions.simulated_provider.refused import Refused


class Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None

    def text(self) -> str:
        """The text parts, joined. Images, sound and files have no text."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class ToolFunction(msgspec.Struct):
    name: str


class Tool(msgspec.Struct):
    function: ToolFunction | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct):
    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: list[Tool] | None = None

    def limit(self) -> int | None:
        """The most completion tokens asked for; the newer of OpenAI's two names wins."""
        if self.max_completion_tokens is not None:
            return self.max_completion_tokens
        return self.max_tokens

    def wants_usage_event(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


_DECODER = msgspec.json.Decoder(ChatRequest)

T = TypeVar("T")


def read(body: bytes, decoder: msgspec.json.Decoder[T], malformed: str) -> T:
    """Raises Refused; `malformed` is how this provider says that the body is not JSON."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        raise Refused(str(fault)) from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Refused(f"{malformed}: {fault}") from fault


def decode(body: bytes) -> ChatRequest:
    """Raises Refused."""
    request = read(body, _DECODER, "We could not parse the JSON body of your request")
    if not request.model:
        raise Refused("you must provide a model parameter", "model")
    if not request.messages:
        raise Refused("[] is too short - 'messages'", "messages")
    for name in ("max_tokens", "max_completion_tokens"):
        limit: int | None = getattr(request, name)
        if limit is not None and limit < 1:
            raise Refused(f"{name} must be at least 1, not {limit}", name)
    if request.n not in (None, 1):
        raise Refused("the simulated provider makes one choice: n must be 1", "n")
    return request
