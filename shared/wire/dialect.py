"""How to speak with a provider: pure translators, one chosen by the provider's row."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.wire import openai
from shared.wire.chat.answer import Completion, read_completion
from shared.wire.chat.request import ChatRequest
from shared.wire.messages import request as anthropic
from shared.wire.messages.reply import read_reply
from shared.wire.messages.stream import AnthropicStreamReader
from shared.wire.quirks import Auth, Quirks, quirks_of
from shared.wire.sse import StreamReader
from shared.wire.translated import Translated
from shared.wire.usage import Usage


class Reader(Protocol):
    """Reads one stream; see StreamReader, whose words these are."""

    is_done: bool
    has_error: bool

    @property
    def is_finished(self) -> bool: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def service_tier(self) -> str | None: ...
    def feed(self, data: bytes) -> bytes: ...
    def end(self, metadata: bytes) -> bytes: ...
    def delivered_text_bytes(self) -> int: ...


class Dialect(Protocol):
    """Between OpenAI's wire, which the client speaks, and a provider's.

    `path` goes behind the base URL, and so does `check_path`, which is answered free of charge,
    with 200 to a good key. `cost_header` is the header of a JSON answer that tells its cost, if
    there is one. `created` is Unix seconds, for a provider that tells no time.
    """

    path: str
    check_path: str
    cost_header: bytes | None

    def headers(self, api_key: str | None) -> bytes:
        """Header lines with the key. Raises ValueError for a key that no header can carry."""
        ...

    def request(
        self,
        chat: ChatRequest,
        model_id: str,
        *,
        max_tokens: int | None,
        temperature: float | None,
    ) -> Translated:
        """The body to send. Raises InvalidField for a field this provider cannot honour."""
        ...

    def reply(self, body: bytes, *, created: int) -> Completion:
        """An answer of status 200. Raises ValueError where it is none."""
        ...

    def reader(self, *, show_usage: bool, created: int) -> Reader: ...


class OpenAIDialect:
    """OpenAI's own wire, with what this provider does otherwise."""

    path = openai.PATH

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self.check_path = quirks.check_path
        self.cost_header = quirks.cost_header

    def headers(self, api_key: str | None) -> bytes:
        return openai.request_headers(api_key, self._quirks)

    def request(
        self,
        chat: ChatRequest,
        model_id: str,
        *,
        max_tokens: int | None,
        temperature: float | None,
    ) -> Translated:
        return openai.translate_request(
            chat,
            model_id,
            quirks=self._quirks,
            max_tokens=max_tokens,
            temperature=temperature,
        )

    def reply(self, body: bytes, *, created: int) -> Completion:
        return read_completion(body)

    def reader(self, *, show_usage: bool, created: int) -> Reader:
        return StreamReader(show_usage=show_usage)


class AnthropicDialect:
    """Anthropic's Messages API."""

    path = anthropic.PATH
    check_path = anthropic.CHECK_PATH
    cost_header: bytes | None = None

    def headers(self, api_key: str | None) -> bytes:
        return anthropic.request_headers(api_key)

    def request(
        self,
        chat: ChatRequest,
        model_id: str,
        *,
        max_tokens: int | None,
        temperature: float | None,
    ) -> Translated:
        return anthropic.request_body(
            chat, model_id, max_tokens=max_tokens, temperature=temperature
        )

    def reply(self, body: bytes, *, created: int) -> Completion:
        return read_reply(body, created=created)

    def reader(self, *, show_usage: bool, created: int) -> Reader:
        return AnthropicStreamReader(show_usage=show_usage, created=created)


def dialect_of(name: str, slug: str, auth_type: str | None = None) -> Dialect:
    """The dialect that a provider's row names. Raises ValueError for one we do not speak.

    `auth_type` is the row's: the header that carries the key, where it is another than the quirks'.
    """
    if name == "openai":
        quirks = quirks_of(slug)
        if auth_type == Auth.X_API_KEY:
            quirks = msgspec.structs.replace(quirks, auth=Auth.X_API_KEY)
        return OpenAIDialect(quirks)
    if name == "anthropic":
        return AnthropicDialect()
    raise ValueError(f"no dialect is called '{name[:50]}'")
