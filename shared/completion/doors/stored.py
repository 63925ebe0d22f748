"""Responses that a provider keeps: read and deleted there, by the key that they were made with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

from shared.auth.open_vault import Vault
from shared.auth.own_keys import OwnKeys
from shared.catalog.watch import SnapshotKeeper
from shared.completion.doors.responses import RingSeals
from shared.completion.failures import failure_of
from shared.completion.take import is_success
from shared.completion.targets import Target, Targets, account_of
from shared.errors import NotFound, ProviderUnavailable
from shared.resources import opener
from shared.routing.own_keys import OwnKey
from shared.settings import UpstreamSettings
from shared.upstream.faults import TransportFault
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.request import UpstreamRequest
from shared.upstream.response import UpstreamResponse
from shared.upstream.transport import Transport
from shared.wire.parse.lenient import NotJSON
from shared.wire.refusal import read_refusal
from shared.wire.request_headers import secrets_in
from shared.wire.responses.held import Held, Holding, Ids
from shared.wire.responses.through import PATH

DEADLINE_S: Final = 60.0
_NOT_FOUND: Final = 404


class StoredResponses:
    """One a process."""

    def __init__(
        self,
        *,
        ids: Ids,
        keeper: SnapshotKeeper,
        own_keys: OwnKeys,
        targets: Targets,
        transport: Transport,
    ) -> None:
        self._ids = ids
        self._keeper = keeper
        self._own_keys = own_keys
        self._targets = targets
        self._transport = transport

    async def ask(self, method: bytes, response_id: str, user: str, query: bytes = b"") -> bytes:
        """What the holder answers to `method`, by the ids that the caller was given.

        Raises NotFound for a response of another user, of a key that is gone, or that is not kept;
        and what the provider refused with.
        """
        held = self._ids.holder(response_id)
        if held is None or held.user != user or not held.response:
            raise _not_found()
        target = await self._target(held, user)
        path = target.at(PATH) + b"/" + held.response.encode() + (b"?" + query if query else b"")
        request = UpstreamRequest(
            *(method, target.origin, path, target.headers, b""),
            may_be_private=target.may_be_private,
            goes_direct=target.goes_direct,
        )
        try:
            deadline = asyncio.get_running_loop().time() + DEADLINE_S
            answer = await self._transport.send(request, deadline=deadline)
            try:
                body = await _body(target, answer)
            finally:
                answer.close()
            return Holding(self._ids, user, held.account, None).of_response(body)
        except TransportFault as fault:
            raise failure_of(target.speaks_as, fault) from fault
        except NotJSON as error:
            slug = target.speaks_as
            raise ProviderUnavailable(slug, f"{slug} answered something else.") from error

    async def _target(self, held: Held, user: str) -> Target:
        slug, _, _ = held.account.partition(":")
        provider = self._keeper.snapshot.providers_by_slug.get(slug)
        if provider is None:
            raise _not_found()
        key: OwnKey | None = None
        if held.account != account_of(slug, 0):
            keys = self._own_keys.recall(user) or await self._own_keys.load(user)
            key = next((k for k in keys if account_of(k.provider, k.id) == held.account), None)
            if key is None:
                raise _not_found()
        target = await self._targets.opened_to(provider, key)
        if not target.dialect.speaks_responses:
            raise _not_found()
        return target


def _not_found() -> NotFound:
    return NotFound(
        "There is no such response: it was given to another user, its key is gone, or it is not"
        " stored.",
        param="response_id",
        code="response_not_found",
    )


async def _body(target: Target, answer: UpstreamResponse) -> bytes:
    if is_success(answer.status):
        return await answer.read()
    if answer.status == _NOT_FOUND:
        raise _not_found()
    raise read_refusal(
        target.speaks_as,
        answer.status,
        await answer.read_refusal(),
        answer.header(b"retry-after"),
        datetime.now(UTC),
        secrets_in(target.headers),
    )


@opener
async def open_stored_responses(
    keeper: SnapshotKeeper,
    own_keys: OwnKeys,
    access: PlatformAccess,
    litellm: LiteLLMProxy | None,
    vault: Vault,
    way_out: UpstreamSettings,
) -> AsyncGenerator[StoredResponses]:
    transport = Transport.from_settings(way_out)
    targets = Targets(access=access, litellm=litellm, vault=vault)
    keeper.on_change("keys", targets.forget_own)
    try:
        yield StoredResponses(
            ids=Ids(RingSeals(vault)),
            keeper=keeper,
            own_keys=own_keys,
            targets=targets,
            transport=transport,
        )
    finally:
        await transport.aclose()
