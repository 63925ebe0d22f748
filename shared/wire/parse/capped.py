"""A stream that ends at so many tokens by our own count, whatever its provider sends on. Pure."""

from __future__ import annotations

import re

from shared.wire.dialect import OpenReading
from shared.wire.usage import Counts

SLACK_TOKENS = 16
"""A provider that keeps the limit ends by its own count, which is not ours to the token."""
_EVENTS = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")


class Capped:
    """What `reader` reads, up to `most` tokens and SLACK_TOKENS; then it ends with `length`.

    Each event is counted before it is let through, so that an answer in large pieces is not longer.
    """

    def __init__(self, reader: OpenReading, most: int) -> None:
        self._reader = reader
        self._most = most + SLACK_TOKENS
        self._delivered = 0
        self._is_cut = False

    @property
    def is_done(self) -> bool:
        return self._is_cut or self._reader.is_done

    @property
    def error(self) -> bytes | None:
        return None if self._is_cut else self._reader.error

    @property
    def has_error(self) -> bool:
        return self.error is not None

    @property
    def has_reason(self) -> bool:
        return self._is_cut or self._reader.has_reason

    @property
    def is_finished(self) -> bool:
        return self._is_cut or self._reader.is_finished

    @property
    def counts(self) -> Counts | None:
        return self._reader.counts

    @property
    def model(self) -> str | None:
        return self._reader.model

    @property
    def service_tier(self) -> str | None:
        return self._reader.service_tier

    def feed(self, data: bytes) -> bytes:
        """Raises EventTooLong."""
        parts = _EVENTS.split(data)
        return b"".join(self._counted(self._reader.feed(one)) for one in parts if not self._is_cut)

    def close(self) -> bytes:
        return b"" if self._is_cut else self._counted(self._reader.close())

    def end(self, metadata: bytes) -> bytes:
        return self._reader.end(metadata)

    def delivered_tokens(self) -> int:
        return self._delivered if self._is_cut else self._reader.delivered_tokens()

    def _counted(self, events: bytes) -> bytes:
        if not events:
            return b""
        tokens = self._reader.delivered_tokens()
        if tokens <= self._most:
            self._delivered = tokens
            return events
        self._is_cut = True
        self._reader.cut()
        return b""
