"""The part of a chat completion request that a simulated answer depends on."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from functions.simulated_provider.refused import Refused


class Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class Named(msgspec.Struct):
    name: str


class Called(msgspec.Struct):
    function: Named | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Called] | None = None

    def text(self) -> str:
        """The text parts, joined. Images, sound and files have no text."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class ToolFunction(msgspec.Struct):
    """`parameters` is a JSON schema."""

    name: str
    parameters: Any = None


class Tool(msgspec.Struct):
    function: ToolFunction | None = None


class AllowedTools(msgspec.Struct):
    mode: str = "auto"
    tools: list[Called] = []


class ToolChoice(msgspec.Struct):
    type: str
    function: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct):
    schema: Any = None


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


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
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None

    def functions(self) -> dict[str, ToolFunction]:
        return {
            one.function.name: one.function for one in self.tools or () if one.function is not None
        }

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
    _check_tool_choice(request)
    _check_format(request.response_format)
    return request


def _check_tool_choice(request: ChatRequest) -> None:
    """The words are OpenAI's, as its clients' issue trackers quote them."""
    choice, functions = request.tool_choice, request.functions()
    if choice is None or choice == "none":
        return
    if not request.tools:
        said = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are"
        raise Refused(f"{said} specified.", "tool_choice")
    if isinstance(choice, str):
        if choice not in ("auto", "required"):
            said = "Supported values are: 'none', 'auto', and 'required'."
            raise Refused(
                f"Invalid value: '{choice[:100]}'. {said}", "tool_choice", code="invalid_value"
            )
        return
    allowed = choice.allowed_tools.tools if choice.allowed_tools is not None else []
    named = [choice.function, *(one.function for one in allowed)]
    for one in named:
        if one is not None and one.name not in functions:
            said = f"Tool choice '{one.name[:100]}' not found in 'tools' parameter."
            raise Refused(said, "tool_choice")


def _check_format(wanted: ResponseFormat | None) -> None:
    name = "response_format"
    if wanted is None:
        return
    if wanted.type not in ("text", "json_object", "json_schema"):
        known = "'json_object', 'json_schema', and 'text'"
        said = f"Invalid value: '{wanted.type[:100]}'. Supported values are: {known}."
        raise Refused(said, f"{name}.type", code="invalid_value")
    if wanted.type == "json_schema" and wanted.json_schema is None:
        said = f"Missing required parameter: '{name}.json_schema'."
        raise Refused(said, f"{name}.json_schema", code="missing_required_parameter")
