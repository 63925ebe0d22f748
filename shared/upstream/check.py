"""Ask a provider's free endpoint: whether it answers, and whether it takes a key. Never billed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec

from shared.errors import UpstreamError
from shared.upstream.faults import (
    AddressRefused,
    ConnectFailed,
    ConnectTimeout,
    DeadlineReached,
    TransportFault,
)
from shared.upstream.origin import parse_url
from shared.upstream.provider_url import Endpoint
from shared.upstream.transport import Transport, UpstreamRequest
from shared.wire.model_list import Offered, read_model_list
from shared.wire.refusal import read_refusal

MODELS = "/models"


class CheckResult(msgspec.Struct, frozen=True):
    """`status` is None where no whole answer came; then `fault` says how it failed: `address`
    (not public, so not called), `connect`, `timeout` or `protocol`. `refusal` is what a status
    other than 200 means. `offered` are the models that it lists, where the endpoint is that list.
    """

    status: int | None
    response_time_ms: int
    fault: str | None = None
    refusal: UpstreamError | None = None
    offered: tuple[Offered, ...] | None = None

    @property
    def is_reachable(self) -> bool:
        """It answered, be it to refuse the key or the request: a 5xx alone is its own failure."""
        return self.status is not None and self.status < 500


async def check_provider(
    transport: Transport, endpoint: Endpoint, key: str | None, *, timeout_s: float
) -> CheckResult:
    """GET the free endpoint (shared/wire/providers names it) with `key`, or without one.

    Raises ValueError for a URL that cannot be used or a key that no header can carry; the message
    repeats neither.
    """
    dialect = endpoint.dialect
    origin, target = parse_url(endpoint.url + dialect.check_path)
    outgoing = UpstreamRequest(
        *(b"GET", origin, target.encode(), dialect.headers(key), b""),
        may_be_private=endpoint.is_trusted,
        goes_direct=endpoint.is_own,
    )
    loop = asyncio.get_running_loop()
    started = loop.time()
    status = fault = refusal = offered = None
    try:
        answer = await transport.send(outgoing, deadline=started + timeout_s)
        if answer.status == 200:
            body = await answer.read()
            offered = read_model_list(body) if dialect.check_path == MODELS else None
        else:
            body, secrets = await answer.read_refusal(), [key] if key else []
            retry_after, now = answer.header(b"retry-after"), datetime.now(UTC)
            refusal = read_refusal(endpoint.slug, answer.status, body, retry_after, now, secrets)
        status = answer.status
    except TransportFault as error:
        fault = _kind_of(error)
    took_ms = round((loop.time() - started) * 1000)
    return CheckResult(status, took_ms, fault, refusal, offered)


def _kind_of(fault: TransportFault) -> str:
    if isinstance(fault, ConnectTimeout | DeadlineReached):
        return "timeout"
    if isinstance(fault, AddressRefused):
        return "address"
    return "connect" if isinstance(fault, ConnectFailed) else "protocol"
