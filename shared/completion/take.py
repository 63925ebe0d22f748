"""What a provider answered with a success, in the wrapping that the caller asked for.

How it is wrapped shows in its first byte. Its content type does not tell: it may be missing, or
text/plain, and has no case (ktorio/ktor issue 5836; RFC 9110, section 8.3.1).
"""

from __future__ import annotations

from typing import NamedTuple

from shared.beside import HEAVY_BYTES, beside
from shared.completion.admit import Asked
from shared.completion.wire import Wire
from shared.errors import ProviderUnavailable
from shared.upstream.response import UpstreamResponse
from shared.wire.chat.answer import Completion, NotAnAnswer, with_reported_cost
from shared.wire.chat.whole_stream import is_stream
from shared.wire.dialect import Dialect, Reader
from shared.wire.parse.capped import Capped
from shared.wire.parse.sse import BOM, MAX_EVENT_BYTES, EventTooLong
from shared.wire.parse.unwrap import is_coded, unwrapped

_MOST_SILENT_BYTES = MAX_EVENT_BYTES + 1024 * 1024
"""Of a stream, one after another without anything to relay: an event of any size may come, and
thoughts that are not shown, but not junk for as long as a request may take."""
_MOST_HELD_BYTES = 64 * 1024
_METADATA = b"null"
_NO_STREAM = (b"{", b"[", b"<")
"""How JSON and HTML begin, and no server-sent event does."""


def is_success(status: int) -> bool:
    """Some servers answer 201 (E-xyza/codicil pull request 4)."""
    return 200 <= status < 300  # noqa: PLR2004


class Stream(NamedTuple):
    """A stream that has said something: `first` is what it said so far, not yet sent."""

    reader: Reader
    first: bytes


async def begun(answer: UpstreamResponse) -> bytes:
    """The first bytes of a body, none where it has none.

    Blanks are nothing of an answer: providers send them while the model is still at work.
    """
    body = b""
    while not body.removeprefix(BOM):
        part = await answer.next()
        if part is None:
            break
        body = (body + part).lstrip()
    return body


async def take_whole(
    asked: Asked,
    provider: str,
    answer: UpstreamResponse,
    body: bytes,
    dialect: Dialect,
    *,
    created: int,
) -> Completion:
    """A whole answer that begins with `body`; of a stream, what its events come to. A large one,
    of thousands of vectors, is read beside the event loop.

    Raises NotAnAnswer, ProviderUnavailable and TransportFault.
    """
    body += await answer.read()
    if len(body) <= HEAVY_BYTES:
        return _whole(asked, provider, answer, dialect, body, created)
    return await beside(_whole, asked, provider, answer, dialect, body, created)


async def take_stream(
    asked: Asked,
    provider: str,
    answer: UpstreamResponse,
    body: bytes,
    dialect: Dialect,
    *,
    created: int,
    most: int | None = None,
) -> Stream:
    """A stream that begins with `body`, read until it has said something: so long another provider
    may still be tried. It ends at `most` tokens, where there is such a number.

    Raises NotAnAnswer for an error before that, ProviderUnavailable and TransportFault.
    """
    if body.removeprefix(BOM)[:1] in _NO_STREAM or is_coded(body):
        completion = _whole(asked, provider, answer, dialect, body + await answer.read(), created)
        whole = asked.wire.whole(completion, show_usage=asked.chat.include_usage)
        return Stream(whole, whole.first())
    opened = dialect.reader(show_usage=asked.chat.include_usage, created=created)
    reader = opened if most is None else Capped(opened, most)
    try:
        return Stream(reader, await _first_content(asked, provider, answer, reader, body))
    except EventTooLong as error:
        raise _endless(provider) from error


async def _first_content(
    asked: Asked, provider: str, answer: UpstreamResponse, reader: Reader, body: bytes
) -> bytes:
    held, silent = b"", 0
    data: bytes | None = body or None
    while True:
        events = reader.close() if data is None else reader.feed(data)
        held += events
        silent = silence(silent, data, events)
        if reader.error is not None:
            raise NotAnAnswer("an error in a stream", reader.error)
        if asked.wire.has_content(events) or len(held) > _MOST_HELD_BYTES or _has_ended(reader):
            return held
        if data is None or reader.is_done:
            raise ProviderUnavailable(provider, f"{provider} closed the stream before it began.")
        data = await answer.next()


def _whole(
    asked: Asked,
    provider: str,
    answer: UpstreamResponse,
    dialect: Dialect,
    body: bytes,
    created: int,
) -> Completion:
    try:
        completion = _read(asked.wire, provider, dialect, body, created)
    except NotAnAnswer:
        other = unwrapped(body)
        if other is None or other == body:
            raise
        completion = _read(asked.wire, provider, dialect, other, created)
    if dialect.cost_header is None:
        return completion
    return with_reported_cost(completion, answer.header(dialect.cost_header))


def _read(wire: Wire, provider: str, dialect: Dialect, body: bytes, created: int) -> Completion:
    if is_stream(body):
        return _gathered(wire, provider, dialect, body, created)
    return dialect.reply(body, created=created)


def _gathered(wire: Wire, provider: str, dialect: Dialect, body: bytes, created: int) -> Completion:
    reader = dialect.reader(show_usage=True, created=created)
    events = _fed(provider, reader, body) + _fed(provider, reader, None)
    if reader.error is not None:
        raise NotAnAnswer("an error in a stream", reader.error)
    if not (reader.is_finished and (wire.has_content(events) or _has_ended(reader))):
        raise ProviderUnavailable(provider, f"{provider} ended the stream without finishing it.")
    whole = wire.gather(events + reader.end(_METADATA))
    return Completion(whole, reader.model, reader.service_tier, reader.counts)


def _fed(provider: str, reader: Reader, data: bytes | None) -> bytes:
    """What may be relayed; `data` None: no more comes."""
    try:
        return reader.close() if data is None else reader.feed(data)
    except EventTooLong as error:
        raise _endless(provider) from error


def silence(silent: int, data: bytes | None, events: bytes) -> int:
    """How many bytes came one after another that were nothing to relay, with `data`, of which
    `events` were relayed. Raises EventTooLong.
    """
    silent = 0 if events or data is None else silent + len(data)
    if silent > _MOST_SILENT_BYTES:
        raise EventTooLong("the stream goes on and says nothing")
    return silent


def _endless(provider: str) -> ProviderUnavailable:
    return ProviderUnavailable(provider, f"{provider} sent an endless event.")


def _has_ended(reader: Reader) -> bool:
    """Whether it ended as an answer does that says nothing: with a reason, or a usage."""
    return reader.has_reason or (reader.is_done and reader.counts is not None)
