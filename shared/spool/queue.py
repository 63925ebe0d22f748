"""Another way out of the spool: batches as SQS messages, which call `write_usage` on Lambda."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, cast

from shared.ledger.batch import pack_frames

_TIMEOUT_S = 5
# SQS takes 1 MiB a message; its body is text, so base64 takes a third of that.
_BYTES_A_MESSAGE = 700_000
# As long as SQS can; no longer than a Lambda lives.
_MOST_DELAY_S = 900


class UsageQueueAway(OSError):
    """SQS did not take a batch: it stays in the spool."""


class UsageQueue:
    """Sends records on. boto3 is imported, and SQS asked, when first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    async def add(self, finals: Sequence[bytes], orphans: Sequence[bytes] = ()) -> None:
        """Send all of them, in as many messages as their size takes.

        Raises UsageQueueAway. What was sent before is sent again then; the writer bears duplicates.
        """
        messages = [pack_frames(some, ()) for some in _portions(finals)]
        messages += [pack_frames((), some) for some in _portions(orphans)]
        for message in messages:
            await asyncio.to_thread(self._send, b64encode(message).decode("ascii"))

    async def hold(self, intent: bytes, deadline_ms: int) -> None:
        """Send an INTENT that becomes an `indeterminate` row at its deadline (Unix time), unless
        its request has a row by then: the disk that it is on may be gone. Raises UsageQueueAway.
        """
        delay_s = min(max(0, round(deadline_ms / 1000 - time.time())), _MOST_DELAY_S)
        body = b64encode(pack_frames((), (intent,))).decode("ascii")
        await asyncio.to_thread(self._send, body, delay_s)

    async def announce(self) -> None:
        """Returns at once: a message calls its reader itself."""

    async def nudge(self) -> None:
        """Nothing, for the same reason."""

    def _send(self, body: str, delay_s: int = 0) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            if self._client is None:
                self._client = _connect()
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_s)
        except (BotoCoreError, ClientError) as error:
            raise UsageQueueAway(f"SQS did not take usage: {error}") from error


def _portions(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    portion: list[bytes] = []
    size = 0
    for record in records:
        if portion and size + len(record) > _BYTES_A_MESSAGE:
            yield portion
            portion, size = [], 0
        portion.append(record)
        size += len(record)
    if portion:
        yield portion


def _connect() -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    # One try: the shipper's next turn, which comes within seconds, is the retry.
    config = Config(
        connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 1}
    )
    return cast(Any, boto3).client("sqs", config=config)
