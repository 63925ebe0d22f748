"""Large bodies are read and written one at a time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from shared.beside import beside

_SHARED = Path(__file__).parents[2] / "shared"


@pytest.mark.anyio
async def test_no_two_pieces_of_work_are_done_at_once() -> None:
    under_way: list[int] = []
    most = 0

    def work(number: int) -> tuple[int, str]:
        nonlocal most
        under_way.append(number)
        most = max(most, len(under_way))
        threading.Event().wait(0.01)
        under_way.remove(number)
        return number, threading.current_thread().name

    done = await asyncio.gather(*(beside(work, number) for number in range(8)))
    assert [number for number, _ in done] == list(range(8))
    assert len({thread for _, thread in done}) == 1
    assert threading.current_thread().name not in {thread for _, thread in done}
    assert most == 1


@pytest.mark.anyio
async def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await beside(divmod, 1, 0)


@pytest.mark.parametrize("room", ["completion", "doors"])
def test_no_request_is_worked_on_in_a_thread_of_its_own(room: str) -> None:
    files = sorted((_SHARED / room).rglob("*.py"))
    assert files
    assert [file.name for file in files if "to_thread" in file.read_text()] == []
