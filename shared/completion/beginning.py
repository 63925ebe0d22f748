"""The beginning of an answer: until it has come, another provider may still be tried."""

from __future__ import annotations

from shared.completion.admit import Asked
from shared.errors import ProviderUnavailable
from shared.routing.choice import Candidate
from shared.upstream.response import UpstreamResponse
from shared.wire.dialect import Reader
from shared.wire.sse import EventTooLong

_MOST_HELD_BYTES = 64 * 1024


async def begun(answer: UpstreamResponse) -> bytes:
    """The first bytes of a body, none where it has none.

    Blanks are nothing of an answer: providers send them while the model is still at work.
    """
    part = await answer.next()
    while part is not None and part.isspace():
        part = await answer.next()
    return part or b""


async def first_content(
    asked: Asked, candidate: Candidate, answer: UpstreamResponse, reader: Reader
) -> bytes:
    """Wait until the model has said something, while another provider may still be tried.

    Raises ProviderUnavailable for an error in the stream or an end before that.
    """
    provider = candidate.model.provider.slug
    content_type = answer.header(b"content-type") or b""
    if not content_type.startswith(b"text/event-stream"):
        raise ProviderUnavailable(provider, f"{provider} did not answer with a stream.")
    held = b""
    while True:
        data = await answer.next()
        if data is None:
            raise ProviderUnavailable(provider, f"{provider} closed the stream before it began.")
        try:
            events = reader.feed(data)
        except EventTooLong as error:
            raise ProviderUnavailable(provider, f"{provider} sent an endless event.") from error
        if reader.has_error:
            raise ProviderUnavailable(provider, f"{provider} reported an error in its stream.")
        held += events
        if reader.is_finished or len(held) > _MOST_HELD_BYTES or asked.wire.has_content(events):
            return held
