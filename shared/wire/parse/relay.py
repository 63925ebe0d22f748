"""A stream of named events on its way through: relayed as it comes, read where it matters."""

from __future__ import annotations

from abc import ABC, abstractmethod

from shared.wire.parse.sse import END, NOT_UTF8, EventFrames, event_data, utf8_events


class Relay(ABC):
    """Feed it what a socket read brought; it returns what may be relayed now.

    Whole reads of plain events pass unparsed, others one by one; comments pass, and what is no
    UTF-8 ends the stream.
    """

    def __init__(self) -> None:
        self._frames = EventFrames()
        self._is_not_utf8 = False

    @property
    @abstractmethod
    def is_done(self) -> bool: ...

    @property
    @abstractmethod
    def _own_error(self) -> bytes | None:
        """The error that the provider put into the stream."""

    @abstractmethod
    def _pass_on(self, events: bytes) -> bool:
        """Whether whole events are plain, so that they may go as they are; then they are kept."""

    @abstractmethod
    def _take_event(self, event: bytes, data: bytes, out: list[bytes]) -> None: ...

    @property
    def error(self) -> bytes | None:
        return NOT_UTF8 if self._is_not_utf8 else self._own_error

    @property
    def has_error(self) -> bool:
        return self.error is not None

    def feed(self, data: bytes) -> bytes:
        """Raises EventTooLong."""
        if self.is_done or self.has_error:
            return b""
        whole = self._frames.take(data)
        return self._take_whole(whole) if whole else b""

    def close(self) -> bytes:
        """The same at the end of what comes: the last event needs no blank line behind it."""
        if self.is_done or self.has_error:
            return b""
        rest = self._frames.rest()
        return self._take_whole(rest) if rest else b""

    def _take_whole(self, whole: bytes) -> bytes:
        sound = utf8_events(whole)
        out = sound if self._pass_on(sound) else self._take_each(sound)
        if sound is not whole and not (self.is_done or self.has_error):
            self._is_not_utf8 = True
        return out

    def _take_each(self, events: bytes) -> bytes:
        out: list[bytes] = []
        for event in events.split(END):
            data = event_data(event)
            if data is not None:
                self._take_event(event, data, out)
            elif event.startswith(b":"):
                out.append(event + END)
            if self.is_done or self.has_error:
                break
        return b"".join(out)
