"""What the frames of a failed request hold, let go of."""

from __future__ import annotations


def release_frames(error: BaseException) -> None:
    """Let go of the frames that `error` and its causes came through, once nobody asks for them.

    They hold the bodies of the request and of the answer, and often the error itself: a cycle,
    which the garbage collector of a serving process is in no hurry to find (shared/function.py).
    """
    chain: list[BaseException | None] = [error]
    while chain:
        one = chain.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            chain += (one.__cause__, one.__context__)
