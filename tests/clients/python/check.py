"""What each script reads and says: where the gateway is, and what passed."""

import os
from collections.abc import Callable
from typing import TypeVar

Raised = TypeVar("Raised", bound=Exception)

URL, TOKEN = os.environ["GATEWAY_URL"], os.environ["GATEWAY_TOKEN"]


def raised(kind: type[Raised], call: Callable[[], object]) -> Raised:
    """What `call` raises, which has to be of that kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def passed(what: str) -> None:
    print("passed:", what, flush=True)
