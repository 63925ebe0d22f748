"""Anthropic's `system` and `messages` as the messages of a chat completion.

The reverse of shared/wire/messages/conversation.py. Sources: anthropic-sdk-python,
types/{message,tool_result_block,image_block,document_block,search_result_block}_param.py;
openai-python, types/chat/chat_completion_{content_part,tool_message,assistant_message}*_param.py.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.request import decode_field
from shared.wire.messages.content import ABSENT, Block, is_given, mark_cached, text_block
from shared.wire.translated import Drops, refused_content

SHOWN_BELOW: Final = "The result is in the message that follows."
"""Stands for a tool's result that has no text: the results of chat completions are text alone."""
FAILED: Final = "The tool failed."
_BETWEEN: Final = "\n"


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    content: str | list[msgspec.Raw] = ""


class _Part(msgspec.Struct, frozen=True):
    """A content block. `content` is that of a tool's result or a search's."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = ABSENT
    tool_use_id: str = ""
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None
    source: _Source | None = None
    title: str | None = None
    cache_control: msgspec.Raw = ABSENT


class _Turn(msgspec.Struct, frozen=True):
    role: str
    content: str | list[msgspec.Raw] = ""


_content = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_turns = msgspec.json.Decoder(list[_Turn])
_part = msgspec.json.Decoder(_Part)


def chat_messages(
    system: msgspec.Raw | None, messages: msgspec.Raw, drops: Drops
) -> list[dict[str, object]]:
    """Raises InvalidField for a block that has no counterpart, such as one of a server's tool."""
    chat: list[dict[str, object]] = []
    if system is not None:
        parts = _parts(_decoded("system", system), "system", drops)
        if parts:
            chat.append({"role": "system", "content": _plain(parts)})
    for index, turn in enumerate(decode_field("messages", messages, _turns)):
        place = f"messages[{index}].content"
        if turn.role == "assistant":
            chat.append(_answer(turn.content, place, drops))
        else:
            chat += _asked(turn, place, drops)
    return chat


def _decoded(place: str, raw: msgspec.Raw) -> str | list[msgspec.Raw]:
    # msgspec's stub cannot infer the members of a union that a decoder is made from.
    content: Any = decode_field(place, raw, _content) if is_given(raw) else None
    return content or ""


def _plain(parts: list[Block]) -> object:
    """A text where that is all there is."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _asked(turn: _Turn, place: str, drops: Drops) -> list[dict[str, object]]:
    """The user's turn: the results of tools first, and then what else is in it."""
    if isinstance(turn.content, str):
        return [{"role": turn.role, "content": turn.content}]
    results: list[dict[str, object]] = []
    shown: list[Block] = []
    others: list[msgspec.Raw] = []
    places: list[str] = []
    for index, raw in enumerate(turn.content):
        part = decode_field(f"{place}[{index}]", raw, _part)
        if part.type == "tool_result":
            results.append(_result(part, f"{place}[{index}]", shown, drops))
        else:
            others.append(raw)
            places.append(f"{place}[{index}]")
    parts = shown
    for raw, at in zip(others, places, strict=True):
        parts += _of_block(decode_field(at, raw, _part), at, drops)
    if parts or not results:
        results.append({"role": turn.role, "content": _plain(parts) if parts else ""})
    return results


def _result(part: _Part, place: str, shown: list[Block], drops: Drops) -> dict[str, object]:
    """A tool's result; what is no text in it is put into `shown`."""
    parts = _parts(_decoded(f"{place}.content", part.content), f"{place}.content", drops)
    texts = [str(one["text"]) for one in parts if one["type"] == "text"]
    media = [one for one in parts if one["type"] != "text"]
    shown += media
    text = _BETWEEN.join(texts)
    if part.is_error:
        drops.leave_out(f"{place}.is_error")
    if not text:
        text = FAILED if part.is_error else SHOWN_BELOW if media else ""
    result: dict[str, object] = {
        "role": "tool",
        "tool_call_id": part.tool_use_id,
        "content": text,
    }
    mark_cached(result, part.cache_control)
    return result


def _answer(content: str | list[msgspec.Raw], place: str, drops: Drops) -> dict[str, object]:
    """The assistant's turn; thoughts under the names that shared/wire/history knows."""
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    texts: list[Block] = []
    thoughts: list[str] = []
    signed: list[msgspec.Raw] = []
    calls: list[Block] = []
    for index, raw in enumerate(content):
        part = decode_field(f"{place}[{index}]", raw, _part)
        if part.type == "tool_use":
            calls.append(_call(part))
        elif part.type in ("thinking", "redacted_thinking"):
            thoughts.append(part.thinking)
            if part.signature or part.type == "redacted_thinking":
                signed.append(raw)
        else:
            texts += _of_block(part, f"{place}[{index}]", drops)
    message: dict[str, object] = {"role": "assistant", "content": _said(texts)}
    if any(thoughts):
        message["reasoning_content"] = "".join(thoughts)
    if signed:
        message["thinking_blocks"] = signed
    if calls:
        message["tool_calls"] = calls
    return message


def _said(texts: list[Block]) -> object:
    """One text, as models answer; parts where one bears a mark of its own."""
    if all(one.keys() == {"type", "text"} for one in texts):
        return "".join(str(one["text"]) for one in texts) or None
    return texts


def _call(part: _Part) -> Block:
    arguments = bytes(part.input).decode() if is_given(part.input) else "{}"
    call: Block = {
        "id": part.id,
        "type": "function",
        "function": {"name": part.name, "arguments": arguments},
    }
    mark_cached(call, part.cache_control)
    return call


def _parts(content: str | list[msgspec.Raw], place: str, drops: Drops) -> list[Block]:
    if isinstance(content, str):
        return [text_block(content)] if content else []
    parts: list[Block] = []
    for index, raw in enumerate(content):
        at = f"{place}[{index}]"
        parts += _of_block(decode_field(at, raw, _part), at, drops)
    return parts


def _of_block(part: _Part, place: str, drops: Drops) -> list[Block]:
    """The parts that a block becomes: one, but for a document that is made of several."""
    if part.type == "text":
        parts = [text_block(part.text)]
    elif part.type == "image":
        parts = [_image(part.source or _Source(), place)]
    elif part.type == "document":
        parts = _document(part, part.source or _Source(), place, drops)
    elif part.type == "search_result":
        parts = _parts(_decoded(f"{place}.content", part.content), f"{place}.content", drops)
    else:
        raise refused_content(
            place, f"Only Anthropic's own servers take content of type '{part.type[:50]}'"
        )
    if parts:
        mark_cached(parts[-1], part.cache_control)
    return parts


def _image(source: _Source, place: str) -> Block:
    if source.type == "base64":
        url = f"data:{source.media_type};base64,{source.data}"
    elif source.type == "url":
        url = source.url
    else:
        raise refused_content(place, "An image must come as base64 or by URL")
    return {"type": "image_url", "image_url": {"url": url}}


def _document(part: _Part, source: _Source, place: str, drops: Drops) -> list[Block]:
    if source.type == "text":
        return [text_block("\n".join(filter(None, (part.title, source.data))))]
    if source.type == "content":
        return _parts(source.content, f"{place}.source.content", drops)
    if source.type == "base64":
        return [_file(part.title, source.media_type, source.data)]
    raise refused_content(place, "A document must come as base64 or as text")


def _file(title: str | None, media_type: str, data: str) -> Block:
    file = {"filename": title or "document.pdf", "file_data": f"data:{media_type};base64,{data}"}
    return {"type": "file", "file": file}
