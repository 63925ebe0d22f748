"""A stream of chunks told in the events of another wire, for a door whose callers speak that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from shared.wire.chat.chunk import Chunk, read_chunk
from shared.wire.dialect import OpenReading
from shared.wire.parse.lenient import NotJSON
from shared.wire.parse.sse import END, event_data
from shared.wire.usage import Counts

_NO_METADATA: Final = b"null"


class Retold(ABC):
    """What `chat` reads of a provider's stream, in other words; its interface is the same."""

    def __init__(self, chat: OpenReading) -> None:
        self._chat = chat

    @abstractmethod
    def end(self, metadata: bytes) -> bytes: ...

    @abstractmethod
    def _comment(self) -> bytes:
        """What stands for a comment of the provider's."""

    @abstractmethod
    def _retell(self, chunk: Chunk) -> bytes: ...

    @property
    def is_done(self) -> bool:
        return self._chat.is_done

    @property
    def error(self) -> bytes | None:
        return self._chat.error

    @property
    def has_error(self) -> bool:
        return self._chat.has_error

    @property
    def has_reason(self) -> bool:
        return self._chat.has_reason

    @property
    def is_finished(self) -> bool:
        return self._chat.is_finished

    @property
    def counts(self) -> Counts | None:
        return self._chat.counts

    @property
    def model(self) -> str | None:
        return self._chat.model

    @property
    def service_tier(self) -> str | None:
        return self._chat.service_tier

    def feed(self, data: bytes) -> bytes:
        """Raises EventTooLong."""
        return self._retold(self._chat.feed(data))

    def close(self) -> bytes:
        return self._retold(self._chat.close())

    def cut(self) -> None:
        """End here: the answer is as long as it may be."""
        self._chat.cut()

    def delivered_tokens(self) -> int:
        return self._chat.delivered_tokens()

    def _rest(self) -> bytes:
        """What `chat` held back until its end."""
        return self._retold(self._chat.end(_NO_METADATA))

    def _retold(self, events: bytes) -> bytes:
        return b"".join(map(self._event, events.split(END))) if events else b""

    def _event(self, event: bytes) -> bytes:
        data = event_data(event)
        if data is None:
            return self._comment() if event else b""
        try:
            chunk = read_chunk(data)
        except NotJSON:
            return b""  # [DONE], or what was relayed unread
        return self._retell(chunk)
