"""The part of a request to Anthropic's Messages API that a simulated answer depends on."""

from __future__ import annotations

import msgspec

from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import (
    ChatRequest,
    Message,
    Tool,
    ToolFunction,
    read,
)


class Block(msgspec.Struct):
    """`content` is that of a tool's result: text, or blocks of its own."""

    type: str
    text: str | None = None
    content: str | Block | list[Block] | None = None


class AnthropicMessage(msgspec.Struct):
    role: str
    content: str | list[Block]


class AnthropicTool(msgspec.Struct):
    """The tools that Anthropic runs itself have a `type` of their own, and some no name."""

    name: str | None = None
    type: str | None = None


class MessagesRequest(msgspec.Struct):
    """anthropic 2.13.0 `types/message_create_params.py`: the first three are required."""

    model: str
    max_tokens: int
    messages: list[AnthropicMessage]
    system: str | list[Block] | None = None
    stream: bool | None = None
    tools: list[AnthropicTool] | None = None

    def as_chat(self) -> ChatRequest:
        """The same request as OpenAI has it, so that text and tokens are the same on both wires.

        The system prompt is the first message, and each tool's result is one by itself.
        """
        messages = [] if self.system is None else [Message("system", _text(self.system))]
        for message in self.messages:
            messages += _as_messages(message)
        tools = [
            Tool(ToolFunction(one.name))
            for one in self.tools or ()
            if one.name is not None and one.type in (None, "custom")
        ]
        return ChatRequest(
            self.model,
            messages,
            stream=self.stream,
            max_tokens=self.max_tokens,
            tools=tools,
        )


def _as_messages(message: AnthropicMessage) -> list[Message]:
    if isinstance(message.content, str):
        return [Message(message.role, message.content)]
    results = [block for block in message.content if block.type == "tool_result"]
    made = [Message("tool", _text(block.content or "")) for block in results]
    if len(results) < len(message.content) or not results:
        made.append(Message(message.role, _text(message.content)))
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
    return request.as_chat()
