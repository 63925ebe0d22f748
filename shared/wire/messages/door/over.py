"""How a Messages request is put to a provider: bytes through, or through chat and back."""

from __future__ import annotations

from functools import partial

import msgspec

from shared.wire.chat.answer import Completion
from shared.wire.chat.request import ChatRequest
from shared.wire.dialect import Dialect, ReadAnswer, Reader
from shared.wire.messages.door import through
from shared.wire.messages.door.chat_events import ChatAsMessage
from shared.wire.messages.door.chat_request import as_chat
from shared.wire.messages.door.message import as_message
from shared.wire.messages.door.through_events import ThroughReader
from shared.wire.translated import Sending, Translated


def over(dialect: Dialect, request: ChatRequest) -> Dialect:
    """The dialect whose answers to `request` are messages."""
    if dialect.wire == "messages":
        return msgspec.structs.replace(
            dialect,
            request=through.write_request,
            reply=through.read_answer,
            reader=_open_through,
        )
    prompt_tokens = request.prompt.tokens
    return msgspec.structs.replace(
        dialect,
        request=partial(_write, dialect),
        reply=partial(_read, dialect.reply, prompt_tokens),
        reader=partial(_open, dialect, prompt_tokens),
    )


def over_beta(dialect: Dialect, request: ChatRequest) -> Dialect:
    """The same for a request with `?beta=true`, as the beta half of Anthropic's SDKs sends each."""
    found = over(dialect, request)
    if dialect.wire != "messages":
        return found
    return msgspec.structs.replace(found, path=f"{dialect.path}?beta=true")


def _open_through(*, show_usage: bool, created: int) -> Reader:
    return ThroughReader(created=created)  # a message always shows its usage


def _write(dialect: Dialect, request: ChatRequest, to: Sending) -> Translated:
    return dialect.request(as_chat(request, to), to)


def _read(reply: ReadAnswer, prompt_tokens: int, body: bytes, *, created: int) -> Completion:
    return as_message(reply(body, created=created), prompt_tokens)


def _open(dialect: Dialect, prompt_tokens: int, *, show_usage: bool, created: int) -> Reader:
    return ChatAsMessage(dialect.reader(show_usage=show_usage, created=created), prompt_tokens)
