"""Work that would hold the event loop up, done in one thread of the process.

One and no more: a decoder holds the interpreter as long as its one call takes, 40 ms for 25 MB, and
the event loop has to wait for each thread that wants it before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

HEAVY_BYTES = 1 << 18
"""What is read and written beside the event loop, which 25 MB would hold for 200 ms."""

P = ParamSpec("P")
T = TypeVar("T")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")


async def beside(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `do` returns or raises. Whatever else was asked for here is done before."""
    # Nothing but the work itself holds a body: not the thread once it is done, nor a traceback.
    held: list[tuple[tuple[Any, ...], dict[str, Any]]] = [(args, kwargs)]
    del args, kwargs
    return await asyncio.wrap_future(_thread.submit(_done, do, held))


def _done(do: Callable[..., T], held: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> T:
    args, kwargs = held.pop()
    try:
        return do(*args, **kwargs)
    finally:
        del args, kwargs
