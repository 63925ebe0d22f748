"""Of an answer that comes faster than it is read, everybody else has a turn between two pieces."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from shared.upstream.content_coding import STEP_BYTES
from shared.upstream.limits import Limits
from shared.upstream.response import UpstreamResponse

BODY = bytes(range(256)) * (10 * STEP_BYTES // 256) + b"the rest"


class NoSource:
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def abort(self) -> None: ...


def answer_of(*chunks: bytes, is_encoded: bool = False) -> UpstreamResponse:
    answer = UpstreamResponse(NoSource(), Limits(), asyncio.get_running_loop())
    if is_encoded:
        answer.headers, answer.is_encoded = [(b"content-encoding", b"gzip")], True
    for chunk in chunks:
        answer.feed(chunk)
    answer.complete()
    return answer


@pytest.mark.parametrize(
    "chunks",
    [[BODY], [BODY[:5], BODY[5:]], [BODY[at : at + 700] for at in range(0, len(BODY), 700)]],
    ids=["one read", "a short one first", "many reads"],
)
@pytest.mark.parametrize("is_encoded", [False, True])
def test_no_piece_is_larger_and_between_two_the_loop_goes_on(
    chunks: list[bytes], is_encoded: bool
) -> None:
    async def main() -> None:
        turns, sizes, parts = 0, list[int](), list[bytes]()

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(others())
        answer = answer_of(
            *([gzip.compress(BODY)] if is_encoded else chunks), is_encoded=is_encoded
        )
        while (part := await answer.next()) is not None:
            sizes.append(len(part))
            parts.append(part)
        beside.cancel()
        assert b"".join(parts) == BODY
        assert max(sizes) <= STEP_BYTES
        assert turns >= len(sizes) - 1 >= 10

    asyncio.run(main())


def test_who_is_cancelled_between_two_pieces_has_closed_the_answer() -> None:
    async def main() -> None:
        aborted = asyncio.Event()
        source: Any = NoSource()
        source.abort = aborted.set
        answer = UpstreamResponse(source, Limits(), asyncio.get_running_loop())
        answer.feed(BODY)
        reading = asyncio.create_task(answer.next())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert aborted.is_set()

    asyncio.run(main())
