"""The items of a Responses request as the messages of a chat completion.

Sources: openai-python, types/responses/{response_input_item,easy_input_message,
response_input_content,response_output_message,response_reasoning_item}_param.py and
types/chat/chat_completion_*_param.py.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.request import decode_field
from shared.wire.messages.door.chat_turns import SHOWN_BELOW
from shared.wire.responses.signed import read_signed
from shared.wire.responses.tools import FREE_TEXT, function_name
from shared.wire.translated import Drops, refused_content

Message = dict[str, Any]

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_DETAILS: Final = frozenset({"auto", "low", "high"})
_SENT_BACK: Final = "Send the item itself, as it was answered, and store: false"


class _Part(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""
    refusal: str = ""
    image_url: str | None = None
    detail: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: msgspec.Raw = msgspec.Raw()


class _Item(msgspec.Struct, frozen=True):
    """An item as far as chat has a counterpart; `output` is a tool's, `input` free text to one."""

    type: str | None = None
    role: str = ""
    content: str | list[_Part] | None = None
    output: str | list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None
    call_id: str = ""
    name: str = ""
    namespace: str | None = None
    arguments: str = ""
    input: str = ""
    id: str | None = None


_input: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | list[msgspec.Raw])
_item = msgspec.json.Decoder(_Item)
_kind = msgspec.json.Decoder(dict[str, msgspec.Raw])


def chat_messages(instructions: str | None, items: msgspec.Raw, drops: Drops) -> list[Message]:
    """Raises InvalidField for an item that has no counterpart."""
    told = _Told(drops)
    if instructions:
        told.messages.append({"role": "system", "content": instructions})
    decoded = decode_field("input", items, _input)
    if isinstance(decoded, str):
        told.messages.append({"role": "user", "content": decoded})
        return told.messages
    for index, raw in enumerate(decoded):
        told.add(raw, f"input[{index}]")
    told.show()
    return told.messages


class _Told:
    """The messages so far. `_answer`: the model's that more may belong to; `_shown`: what is no
    text in the results of tools, which goes behind the last of them."""

    def __init__(self, drops: Drops) -> None:
        self.messages: list[Message] = []
        self._drops = drops
        self._answer: Message | None = None
        self._shown: list[Message] = []

    def add(self, raw: msgspec.Raw, place: str) -> None:
        kind = _kind_of(raw, place)
        if kind == "additional_tools":
            return
        if kind not in _ADDERS:
            raise refused_content(place, _why_refused(kind))
        _ADDERS[kind](self, decode_field(place, raw, _item), place)

    def show(self) -> None:
        """Give the pictures and files that tools answered, where all results are out."""
        if self._shown:
            self.messages.append({"role": "user", "content": self._shown})
            self._shown = []

    def add_message(self, item: _Item, place: str) -> None:
        parts = _parts(item.content, f"{place}.content", self._drops)
        if item.role == "assistant":
            self._say(parts)
            return
        self._asked()
        self.show()
        self.messages.append({"role": item.role, "content": _plain(parts)})

    def add_call(self, item: _Item, _place: str) -> None:
        self._call(item, item.arguments)

    def add_custom_call(self, item: _Item, _place: str) -> None:
        self._call(item, msgspec.json.encode({FREE_TEXT: item.input}).decode())

    def add_result(self, item: _Item, place: str) -> None:
        self._asked()
        parts = _parts(item.output, f"{place}.output", self._drops)
        text = "\n".join(one["text"] for one in parts if one["type"] == "text")
        media = [one for one in parts if one["type"] != "text"]
        self._shown += media
        content = text or (SHOWN_BELOW if media else "")
        self.messages.append({"role": "tool", "tool_call_id": item.call_id, "content": content})

    def add_thoughts(self, item: _Item, place: str) -> None:
        """Thoughts under the names that shared/wire/history knows; sealed ones of another's
        servers are left out and named."""
        content = item.content if isinstance(item.content, list) else []
        thoughts = "".join(one.text for one in content or item.summary or ())
        signed = read_signed(item.encrypted_content)
        if item.encrypted_content and signed is None:
            self._drops.leave_out(f"{place}.encrypted_content")
        if not thoughts and signed is None:
            return
        answer = self._answering(is_new=self._answer is not None and "content" in self._answer)
        if thoughts:
            answer["reasoning_content"] = answer.get("reasoning_content", "") + thoughts
        if signed is not None:
            answer["thinking_blocks"] = [*answer.get("thinking_blocks", ()), *signed]

    def _say(self, parts: list[Message]) -> None:
        answer = self._answering(
            is_new=self._answer is not None
            and "content" in self._answer
            and "tool_calls" not in self._answer
        )
        before: str | list[Message] = answer.get("content", [])
        said = [_text_part(before)] if isinstance(before, str) else before
        answer["content"] = _joined([*said, *parts])

    def _call(self, item: _Item, arguments: str) -> None:
        function = {"name": function_name(item.name, item.namespace), "arguments": arguments}
        call = {"id": item.call_id, "type": "function", "function": function}
        answer = self._answering(is_new=False)
        answer["tool_calls"] = [*answer.get("tool_calls", ()), call]

    def _answering(self, *, is_new: bool) -> Message:
        self.show()
        if self._answer is None or is_new:
            self._answer = {"role": "assistant"}
            self.messages.append(self._answer)
        return self._answer

    def _asked(self) -> None:
        """Whoever speaks next, it is not the model."""
        self._answer = None


_ADDERS: Final = {
    "message": _Told.add_message,
    "function_call": _Told.add_call,
    "custom_tool_call": _Told.add_custom_call,
    "function_call_output": _Told.add_result,
    "custom_tool_call_output": _Told.add_result,
    "reasoning": _Told.add_thoughts,
}


def _kind_of(raw: msgspec.Raw, place: str) -> str:
    """The type may be missing of a message and of a reference."""
    fields = decode_field(place, raw, _kind)
    if bytes(fields.get("type", b"null")) != b"null":
        return decode_field(f"{place}.type", fields["type"], _text)
    return "message" if "role" in fields else "item_reference"


_text = msgspec.json.Decoder(str)


def _why_refused(kind: str) -> str:
    if kind == "item_reference":
        return f"Nobody holds the item that is named here. {_SENT_BACK}"
    return f"Only OpenAI's own servers take items of type '{kind[:50]}'"


def _parts(content: str | list[_Part] | None, place: str, drops: Drops) -> list[Message]:
    if content is None:
        return []
    if isinstance(content, str):
        return [_text_part(content)]
    return [_part(part, f"{place}[{index}]", drops) for index, part in enumerate(content)]


def _part(part: _Part, place: str, drops: Drops) -> Message:
    if part.type in _TEXTS:
        return _text_part(part.text)
    if part.type == "refusal":
        return {"type": "refusal", "refusal": part.refusal}
    if part.type == "input_image" and part.image_url is not None:
        image: Message = {"url": part.image_url}
        if part.detail in _DETAILS:
            image["detail"] = part.detail
        elif part.detail is not None:
            drops.leave_out(f"{place}.detail")
        return {"type": "image_url", "image_url": image}
    if part.type == "input_file" and part.file_data is not None:
        file = {"filename": part.filename or "document.pdf", "file_data": part.file_data}
        return {"type": "file", "file": file}
    if part.type == "input_audio":
        return {"type": "input_audio", "input_audio": part.input_audio}
    if part.type in ("input_image", "input_file"):
        raise refused_content(place, "Only OpenAI's own servers know files by id or by URL")
    raise refused_content(
        place, f"Only OpenAI's own servers take content of type '{part.type[:50]}'"
    )


def _text_part(text: str) -> Message:
    return {"type": "text", "text": text}


def _plain(parts: list[Message]) -> object:
    """A text where that is all there is."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts


def _joined(parts: list[Message]) -> object:
    """One text, as models answer; parts where one is a refusal."""
    if all(one["type"] == "text" for one in parts):
        return "".join(one["text"] for one in parts)
    return parts
