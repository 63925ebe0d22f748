"""The part of a request to OpenAI's Responses API that a simulated answer depends on."""

from __future__ import annotations

from typing import Any

import msgspec

from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import (
    AllowedTools,
    Called,
    ChatRequest,
    JsonSchema,
    Message,
    Named,
    Part,
    ResponseFormat,
    Tool,
    ToolChoice,
    ToolFunction,
    read,
)


class Asked(ChatRequest):
    """The same request as chat has it, and what an answer repeats of it."""

    instructions: str | None = None
    is_stored: bool = True
    previous_response_id: str | None = None


class Item(msgspec.Struct):
    """A message where `type` is missing; `output` is a tool's, `name` a called one's."""

    type: str = "message"
    role: str | None = None
    content: str | list[Part] | None = None
    output: str | list[Part] | None = None
    name: str | None = None


class ResponsesTool(msgspec.Struct):
    """The tools that OpenAI runs itself have other types, and no name."""

    type: str = "function"
    name: str | None = None
    parameters: Any = None


class Choice(msgspec.Struct):
    type: str
    name: str | None = None
    mode: str = "auto"
    tools: list[ResponsesTool] = []


class Format(msgspec.Struct):
    type: str = "text"
    schema: Any = None


class Text(msgspec.Struct):
    format: Format | None = None


class ResponsesRequest(msgspec.Struct):
    """openai 3.54.0 `types/responses/response_create_params.py`."""

    model: str = ""
    input: str | list[Item] = ""
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    max_output_tokens: int | None = None
    tools: list[ResponsesTool] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None

    def as_chat(self) -> Asked:
        """So that text and tokens are the same on both wires."""
        messages = [Message("system", self.instructions)] if self.instructions else []
        if isinstance(self.input, str):
            messages.append(Message("user", self.input))
        else:
            messages += _messages(self.input)
        tools = [
            Tool(ToolFunction(one.name, one.parameters))
            for one in self.tools or ()
            if one.type == "function" and one.name is not None
        ]
        return Asked(
            self.model,
            messages,
            stream=self.stream,
            max_tokens=self.max_output_tokens,
            tools=tools,
            tool_choice=_choice(self.tool_choice),
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=self._format(),
            instructions=self.instructions,
            is_stored=self.store is not False,
            previous_response_id=self.previous_response_id,
        )

    def _format(self) -> ResponseFormat | None:
        wanted = self.text.format if self.text is not None else None
        return None if wanted is None else ResponseFormat(wanted.type, JsonSchema(wanted.schema))


def _choice(choice: str | Choice | None) -> str | ToolChoice | None:
    if choice is None or isinstance(choice, str):
        return choice
    if choice.type == "allowed_tools":
        allowed = [Called(Named(one.name)) for one in choice.tools if one.name is not None]
        return ToolChoice("allowed_tools", allowed_tools=AllowedTools(choice.mode, allowed))
    return ToolChoice("function", Named(choice.name)) if choice.name is not None else "auto"


def _messages(items: list[Item]) -> list[Message]:
    """Calls are part of the model's turn, which they end."""
    made: list[Message] = []
    for item in items:
        if item.type == "message":
            made.append(Message(item.role or "user", item.content))
        elif item.type == "function_call_output":
            made.append(Message("tool", item.output))
        elif item.type == "function_call" and item.name is not None:
            if not made or made[-1].role != "assistant":
                made.append(Message("assistant", None))
            made[-1].tool_calls = [*(made[-1].tool_calls or ()), Called(Named(item.name))]
    return made


_DECODER = msgspec.json.Decoder(ResponsesRequest)


def decode(body: bytes) -> Asked:
    """Raises Refused."""
    request = read(body, _DECODER, "We could not parse the JSON body of your request")
    if not request.model:
        raise Refused("you must provide a model parameter", "model")
    if not request.input:
        raise Refused("Missing required parameter: 'input'.", "input")
    limit = request.max_output_tokens
    if limit is not None and limit < 1:
        raise Refused(f"max_output_tokens must be at least 1, not {limit}", "max_output_tokens")
    return request.as_chat()
