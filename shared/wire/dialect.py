"""How to speak with a provider: pure translators, one chosen by the provider's row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

import msgspec

from shared.wire.chat import answer as chat_answer
from shared.wire.chat import events as chat_events
from shared.wire.chat import write as chat
from shared.wire.chat.answer import Completion
from shared.wire.chat.request import ChatRequest
from shared.wire.chat.tool_calls import fix_answer
from shared.wire.messages import answer as messages_answer
from shared.wire.messages import events as messages_events
from shared.wire.messages import write as messages
from shared.wire.provider import ANTHROPIC, OPENAI, Auth
from shared.wire.providers import provider_of
from shared.wire.quirks import NO_QUIRKS, Quirks
from shared.wire.request_headers import request_headers
from shared.wire.translated import Sending, Translated
from shared.wire.usage import Counts

WireName = Literal["chat", "messages"]


class Reader(Protocol):
    """Reads one stream; see shared.wire.chat.events.StreamReader, whose words these are."""

    @property
    def is_done(self) -> bool: ...
    @property
    def error(self) -> bytes | None: ...
    @property
    def has_error(self) -> bool: ...
    @property
    def has_reason(self) -> bool: ...
    @property
    def is_finished(self) -> bool: ...
    @property
    def counts(self) -> Counts | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def service_tier(self) -> str | None: ...
    def feed(self, data: bytes) -> bytes: ...
    def close(self) -> bytes: ...
    def end(self, metadata: bytes) -> bytes: ...
    def delivered_tokens(self) -> int: ...


class OpenReading(Reader, Protocol):
    """Of a stream that comes piece by piece, and can be ended before its end."""

    def cut(self) -> None: ...


class WriteRequest(Protocol):
    """The body to send. Raises InvalidField for a field this provider cannot honor."""

    def __call__(self, chat: ChatRequest, to: Sending) -> Translated: ...


class ReadAnswer(Protocol):
    """An answer of status 200. Raises NotAnAnswer where it is none."""

    def __call__(self, body: bytes, *, created: int) -> Completion: ...


class OpenReader(Protocol):
    def __call__(self, *, show_usage: bool, created: int) -> OpenReading: ...


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """Between OpenAI's wire and a provider's, whose name `wire` is.

    `path` goes behind the base URL, and so does `check_path`, which is answered free of charge,
    with 200 to a good key. `cost_header` is the header of a JSON answer that tells its cost, if
    there is one. `headers` takes the key, as shared/wire/request_headers.py says. `created` is
    Unix seconds, for a provider that tells no time. `quirks`: which fields it does not take.
    `speaks_responses`: OpenAI's Responses API too, at a path of its own. `account`: by whose
    key it is spoken to, so that what a provider keeps is asked for by the same.
    """

    wire: WireName
    path: str
    check_path: str
    cost_header: bytes | None = None
    headers: Callable[[str | None], bytes]
    request: WriteRequest
    reply: ReadAnswer
    reader: OpenReader
    quirks: Quirks = NO_QUIRKS
    speaks_responses: bool = False
    account: str = ""


def dialect_of(name: str, slug: str, auth_type: str) -> Dialect:
    """The dialect that a provider's row names. Raises ValueError for one we do not speak.

    `auth_type` is the row's: the header that carries the key. Whoever has a provider asks
    `ProviderUrls.of`, so that it is spoken to in one way everywhere.
    """
    if name == ANTHROPIC:
        return Dialect(
            wire="messages",
            path=messages.PATH,
            check_path=messages.CHECK_PATH,
            headers=partial(request_headers, auth=Auth.X_API_KEY, more=messages.VERSION),
            request=partial(messages.write_request, provider=slug),
            reply=partial(messages_answer.read_completion, provider=slug),
            reader=partial(messages_events.StreamReader, provider=slug),
        )
    if name != OPENAI:
        raise ValueError(f"no dialect is called '{name[:50]}'")
    provider = provider_of(slug)
    auth = Auth.X_API_KEY if auth_type == Auth.X_API_KEY else Auth.BEARER
    return Dialect(
        wire="chat",
        path=chat.PATH,
        check_path=provider.check_path,
        cost_header=provider.cost_header,
        headers=partial(request_headers, auth=auth),
        request=partial(chat.write_request, quirks=provider.quirks),
        reply=partial(_read_completion, ends_calls_by_stop=provider.ends_calls_by_stop),
        reader=partial(_open_reader, ends_calls_by_stop=provider.ends_calls_by_stop),
        quirks=provider.quirks,
        speaks_responses=provider.speaks_responses,
    )


def _read_completion(body: bytes, *, created: int, ends_calls_by_stop: bool) -> Completion:
    completion = chat_answer.read_completion(body)  # it tells the time itself
    fixed = fix_answer(completion.body, ends_by_stop=ends_calls_by_stop)
    return completion if fixed is body else msgspec.structs.replace(completion, body=fixed)


def _open_reader(*, show_usage: bool, created: int, ends_calls_by_stop: bool) -> OpenReading:
    return chat_events.StreamReader(show_usage=show_usage, ends_calls_by_stop=ends_calls_by_stop)
