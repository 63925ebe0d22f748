"""The part of a request to Anthropic's Messages API that a simulated answer depends on."""

from __future__ import annotations

from typing import Any

import msgspec

from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import (
    Called,
    ChatRequest,
    JsonSchema,
    Message,
    Named,
    ResponseFormat,
    Tool,
    ToolChoice,
    ToolFunction,
    read,
)


class Block(msgspec.Struct):
    """`content` is that of a tool's result: text, or blocks of its own; `name` a called tool's."""

    type: str
    text: str | None = None
    name: str | None = None
    content: str | Block | list[Block] | None = None


class AnthropicMessage(msgspec.Struct):
    role: str
    content: str | list[Block]


class AnthropicTool(msgspec.Struct):
    """The tools that Anthropic runs itself have a `type` of their own, and some no name."""

    name: str | None = None
    type: str | None = None
    input_schema: Any = None


class AnthropicToolChoice(msgspec.Struct):
    """`type` is auto, any, tool or none."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Format(msgspec.Struct):
    type: str
    schema: Any = None


class OutputConfig(msgspec.Struct):
    format: Format | None = None


class MessagesRequest(msgspec.Struct):
    """anthropic 2.13.0 `types/message_create_params.py`: the first three are required."""

    model: str
    max_tokens: int
    messages: list[AnthropicMessage]
    system: str | list[Block] | None = None
    stream: bool | None = None
    tools: list[AnthropicTool] | None = None
    tool_choice: AnthropicToolChoice | None = None
    output_config: OutputConfig | None = None

    def as_chat(self) -> ChatRequest:
        """The same request as OpenAI has it, so that text and tokens are the same on both wires.

        The system prompt is the first message, and each tool's result is one by itself.
        """
        messages = [] if self.system is None else [Message("system", _text(self.system))]
        for message in self.messages:
            messages += _as_messages(message)
        tools = [
            Tool(ToolFunction(name, one.input_schema)) for name, one in self.own_tools().items()
        ]
        return ChatRequest(
            self.model,
            messages,
            stream=self.stream,
            max_tokens=self.max_tokens,
            tools=tools,
            tool_choice=_choice(self.tool_choice),
            parallel_tool_calls=False if self._calls_one() else None,
            response_format=self._format(),
        )

    def own_tools(self) -> dict[str, AnthropicTool]:
        """Those that the caller runs, by name."""
        return {
            one.name: one
            for one in self.tools or ()
            if one.name is not None and one.type in (None, "custom")
        }

    def _calls_one(self) -> bool:
        return self.tool_choice is not None and bool(self.tool_choice.disable_parallel_tool_use)

    def _format(self) -> ResponseFormat | None:
        wanted = self.output_config.format if self.output_config is not None else None
        return None if wanted is None else ResponseFormat(wanted.type, JsonSchema(wanted.schema))


def _choice(choice: AnthropicToolChoice | None) -> str | ToolChoice | None:
    if choice is None:
        return None
    if choice.type == "tool" and choice.name is not None:
        return ToolChoice("function", Named(choice.name))
    return "required" if choice.type == "any" else choice.type


def _as_messages(message: AnthropicMessage) -> list[Message]:
    if isinstance(message.content, str):
        return [Message(message.role, message.content)]
    results = [block for block in message.content if block.type == "tool_result"]
    made = [Message("tool", _text(block.content or "")) for block in results]
    if len(results) < len(message.content) or not results:
        called = [
            Called(Named(block.name))
            for block in message.content
            if block.type == "tool_use" and block.name is not None
        ]
        made.append(Message(message.role, _text(message.content), called or None))
    return made


def _text(content: str | Block | list[Block]) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Block):
        return content.text or ""
    return "".join(block.text or "" for block in content if block.type == "text")


_DECODER = msgspec.json.Decoder(MessagesRequest)


def decode(body: bytes) -> ChatRequest:
    """Raises Refused."""
    request = read(body, _DECODER, "The request body is not valid JSON")
    if not request.model:
        raise Refused("model: String should have at least 1 character", "model")
    if not request.messages:
        raise Refused("messages: at least one message is required", "messages")
    if request.max_tokens < 1:
        raise Refused("max_tokens: Input should be greater than or equal to 1", "max_tokens")
    for i, message in enumerate(request.messages):
        # anthropic 2.13.0 `types/message_param.py`; a tool's result is a block of the user's.
        if message.role not in ("user", "assistant", "system"):
            name = f"messages.{i}.role"
            raise Refused(f"{name}: Input should be 'user', 'assistant' or 'system'", name)
    _check_tool_choice(request)
    return request.as_chat()


def _check_tool_choice(request: MessagesRequest) -> None:
    """anthropic 2.13.0 `types/tool_choice_param.py`."""
    choice = request.tool_choice
    if choice is None:
        return
    if choice.type not in ("auto", "any", "tool", "none"):
        said = "tool_choice: Input tag should be one of 'auto', 'any', 'tool', 'none'"
        raise Refused(said, "tool_choice")
    if choice.type == "tool" and choice.name not in request.own_tools():
        raise Refused("tool_choice.name: Tool not found in provided tools", "tool_choice.name")
