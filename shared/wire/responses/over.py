"""How a Responses request is put to a provider: bytes through, or through chat and back."""

from __future__ import annotations

from functools import partial

import msgspec

from shared.wire.chat.answer import Completion
from shared.wire.chat.request import ChatRequest
from shared.wire.dialect import Dialect, Reader
from shared.wire.history.fields import text_of
from shared.wire.responses import through
from shared.wire.responses.chat_events import ChatAsResponse
from shared.wire.responses.chat_request import as_chat
from shared.wire.responses.held import Holding, Ids
from shared.wire.responses.request import ResponsesRequest
from shared.wire.responses.response import as_response
from shared.wire.responses.through_events import ThroughReader
from shared.wire.translated import Sending, Translated


def over(dialect: Dialect, request: ChatRequest, *, ids: Ids) -> Dialect:
    """The dialect whose answers to `request` are responses."""
    if dialect.speaks_responses:
        holding = _holding(dialect, request, ids)
        return msgspec.structs.replace(
            dialect,
            path=through.PATH,
            request=partial(
                through.write_request,
                account=dialect.account,
                versions=dialect.quirks.versions,
            ),
            reply=partial(through.read_answer, holding=holding),
            reader=partial(_open_through, holding),
        )
    return msgspec.structs.replace(
        dialect,
        request=partial(_write, dialect),
        reply=partial(_read, dialect, request),
        reader=partial(_open, dialect, request),
    )


def _holding(dialect: Dialect, request: ChatRequest, ids: Ids) -> Holding:
    user = request.user if isinstance(request, ResponsesRequest) else ""
    previous = text_of(request.fields.get("previous_response_id"))
    return Holding(ids, user, dialect.account, previous)


def _open_through(holding: Holding, *, show_usage: bool, created: int) -> Reader:
    return ThroughReader(holding)  # a response always shows its usage, and when it was made


def _write(dialect: Dialect, request: ChatRequest, to: Sending) -> Translated:
    return dialect.request(as_chat(request, to), to)


def _read(dialect: Dialect, request: ChatRequest, body: bytes, *, created: int) -> Completion:
    return as_response(dialect.reply(body, created=created), request, created)


def _open(dialect: Dialect, request: ChatRequest, *, show_usage: bool, created: int) -> Reader:
    chat = dialect.reader(show_usage=show_usage, created=created)
    return ChatAsResponse(chat, request, created)
