"""Calls for a check of every provider now: from a worker, or on Lambda from the function that does
it, as no worker runs there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

from shared.jobs import CHECK_HEALTH, Dispatch
from shared.resources import opener
from shared.settings import CheckCallSettings

_TIMEOUT_S = 5


class CheckNotCalled(OSError):
    """Lambda did not take the call."""


class CheckCall:
    """`function`: the Lambda of check_health, by name or ARN; None: a worker does it."""

    def __init__(self, dispatch: Dispatch, function: str | None = None) -> None:
        self._dispatch = dispatch
        self._function = function

    async def send(self, run: str) -> None:
        """Have the check `run` made soon. Raises redis.RedisError or CheckNotCalled."""
        if self._function is None:
            await self._dispatch.enqueue_soon(CHECK_HEALTH, run=run)
        else:
            await asyncio.to_thread(_invoke, self._function, run)


@opener
async def open_check_call(
    dispatch: Dispatch, settings: CheckCallSettings
) -> AsyncGenerator[CheckCall]:
    yield CheckCall(dispatch, settings.function)


def _invoke(function: str, run: str) -> None:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    event = json.dumps({"job": CHECK_HEALTH.name, "run": run})
    try:
        client: Any = cast(Any, boto3).client("lambda", config=config)
        client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    except (BotoCoreError, ClientError) as error:
        raise CheckNotCalled(f"Lambda did not take the call of the check: {error}") from error
