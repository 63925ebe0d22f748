"""Many clients at once, who remember what they were told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.fakes.gateway import PATH, USER


@dataclass(frozen=True)
class Told:
    """What a client read in an answer that it received whole."""

    request_id: str
    total_tokens: int
    cost_usd: Decimal


@dataclass(frozen=True)
class Outcome:
    """`whole` answers, and how many requests ended otherwise, by kind."""

    whole: dict[str, Told]
    failed: dict[str, int]


async def many(
    url: str,
    *,
    requests: int | Iterable[int],
    at_once: int,
    headers: Mapping[str, str] = USER,
    transport: httpx.AsyncBaseTransport | None = None,
    **body: Any,
) -> Outcome:
    """Half of the requests are streams unless `body` says; a failed one is not tried again."""
    whole: dict[str, Told] = {}
    failed: dict[str, int] = {}
    numbers = iter(range(requests) if isinstance(requests, int) else requests)
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(
        trust_env=False, timeout=30, limits=limits, headers=headers, transport=transport
    ) as client:

        async def one_after_another() -> None:
            for number in numbers:
                try:
                    told = await _ask(client, url, number, body)
                except (httpx.HTTPError, Incomplete) as error:
                    kind = type(error).__name__
                    failed[kind] = failed.get(kind, 0) + 1
                else:
                    whole[told.request_id] = told

        await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return Outcome(whole, failed)


class Incomplete(Exception):
    """The answer was an error, or ended before its end."""


async def _ask(client: httpx.AsyncClient, url: str, number: int, body: dict[str, Any]) -> Told:
    stream = body.get("stream", number % 2 == 1)
    message = {"role": "user", "content": f"Question {number}: " + "why? " * (number % 17)}
    fields: dict[str, Any] = {"messages": [message], "stream": stream, **body}
    if stream:
        fields["stream_options"] = {"include_usage": True}
    answer = await _post(client, url + PATH, fields)
    if answer.status_code != 200:
        raise Incomplete
    if not stream:
        return _told(answer.json())
    *_, last, done, _ = answer.text.split("\n\n")
    if done != "data: [DONE]":
        raise Incomplete
    return _told(json.loads(last.removeprefix("data: "), parse_float=Decimal))


async def _post(client: httpx.AsyncClient, url: str, fields: dict[str, Any]) -> httpx.Response:
    """Waits for a gateway that is away: a request that was never sent has not failed."""
    while True:
        try:
            return await client.post(url, json=fields)
        except httpx.ConnectError:
            await asyncio.sleep(0.1)


def _told(answer: dict[str, Any]) -> Told:
    metadata = answer["_metadata"]
    return Told(
        metadata["request_id"],
        answer["usage"]["total_tokens"],
        Decimal(str(metadata["cost_incurred"])),
    )
