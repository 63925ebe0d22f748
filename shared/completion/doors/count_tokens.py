"""How many tokens a Messages request is, before it is made: POST /v1/messages/count_tokens.

Asked of Anthropic, at its endpoint free of charge (platform.claude.com, "Token counting"), where
the request would go there first; else our estimate, which says that it is one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final

import msgspec
from litestar.types import HTTPScope, Receive, Send

from shared.auth.authenticator import Authenticator
from shared.auth.open_vault import Vault
from shared.catalog.watch import SnapshotKeeper
from shared.completion.admit import Admission, Asked
from shared.completion.client import Client, Clients
from shared.completion.doors.messages import MESSAGES, wire_of
from shared.completion.failures import known_refusal
from shared.completion.frames import release_frames
from shared.completion.router import Plan, Router
from shared.completion.serve import refuse
from shared.completion.targets import Targets
from shared.errors import SwitchyardError
from shared.ledger.request_id import new_request_id
from shared.log import get_logger
from shared.resources import opener
from shared.routing.choice import Candidate
from shared.settings import UpstreamSettings
from shared.upstream.faults import TransportFault
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.request import UpstreamRequest
from shared.upstream.transport import Transport
from shared.wire.messages.door.count import read_count, write_count
from shared.wire.request_headers import with_lines

PATIENCE_S: Final = 5.0
"""A client counts before each turn: an estimate now is worth more than a count later."""


class _Metadata(msgspec.Struct, frozen=True):
    """`estimated`: nobody counted."""

    request_id: str
    provider_used: str
    model_used: str
    estimated: bool


class _Count(msgspec.Struct, frozen=True, rename={"metadata": "_metadata"}):
    input_tokens: int
    metadata: _Metadata


class TokenCounts:
    """One a process."""

    def __init__(
        self, *, admission: Admission, router: Router, targets: Targets, transport: Transport
    ) -> None:
        self._admission = admission
        self._router = router
        self._targets = targets
        self._transport = transport
        self._clients = Clients()

    async def serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        request_id = new_request_id()
        client = Client(receive, self._clients)
        try:
            asked = await self._admission.admit(
                wire_of(scope["query_string"]),
                scope,
                receive,
                client.hold,
                request_id=request_id,
                started=time.perf_counter(),
            )
            body = await self._count(asked, await self._router.choose(asked))
        except Exception as error:  # noqa: BLE001  the one place where this route's errors are mapped
            try:
                await refuse(MESSAGES, request_id, error, send)
            finally:
                release_frames(error)
            return
        finally:
            client.stop()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
            (b"request-id", request_id.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _count(self, asked: Asked, plan: Plan) -> bytes:
        candidate = plan.preferred
        counted = await self._ask(asked, candidate)
        model = candidate.model
        return msgspec.json.encode(
            _Count(
                asked.chat.prompt.tokens if counted is None else counted,
                _Metadata(asked.request_id, model.provider.slug, model.model_id, counted is None),
            )
        )

    async def _ask(self, asked: Asked, candidate: Candidate) -> int | None:
        """What the provider counts; None where it does not count, or not in time."""
        if known_refusal(candidate) is not None:
            return None
        try:
            target = await self._targets.opened(candidate)
            if target.dialect.wire != MESSAGES.endpoint:
                return None
            path, mark, query = asked.wire.over(target.dialect, asked.chat).path.partition("?")
            counting = write_count(asked.chat, candidate.model.model_id)
            request = UpstreamRequest(
                b"POST",
                target.origin,
                target.at(f"{path}/count_tokens{mark}{query}"),
                with_lines(target.headers, counting.head),
                counting.body,
                target.may_be_private,
                target.goes_direct,
            )
            deadline = asyncio.get_running_loop().time() + PATIENCE_S
            answer = await self._transport.send(request, deadline=deadline)
            try:
                return read_count(answer.status, await answer.read())
            finally:
                answer.close()
        except (SwitchyardError, TransportFault) as error:
            slug = candidate.model.provider.slug
            get_logger().info("tokens.not_counted", provider=slug, error=type(error).__name__)
            release_frames(error)
            return None


@opener
async def open_token_counts(
    authenticator: Authenticator,
    keeper: SnapshotKeeper,
    router: Router,
    access: PlatformAccess,
    litellm: LiteLLMProxy | None,
    vault: Vault,
    way_out: UpstreamSettings,
) -> AsyncGenerator[TokenCounts]:
    transport = Transport.from_settings(way_out)
    targets = Targets(access=access, litellm=litellm, vault=vault)
    keeper.on_change("keys", targets.forget_own)
    try:
        yield TokenCounts(
            admission=Admission(authenticator, keeper),
            router=router,
            targets=targets,
            transport=transport,
        )
    finally:
        await transport.aclose()
