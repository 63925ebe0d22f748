"""The format that callers of the Responses door speak; ids of responses are sealed by the vault."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

import msgspec
from litestar.types import HTTPScope, Receive, Send

from shared.auth.open_vault import Vault
from shared.completion.open import Completions
from shared.completion.targets import account_of
from shared.completion.wire import Wire, error_body
from shared.errors import InvalidField
from shared.resources import opener
from shared.routing.fit import RoutingRequest
from shared.vault.keyring import CannotOpen
from shared.wire.chat.answer import splice
from shared.wire.chat.request import ChatRequest
from shared.wire.responses.errors import error_event
from shared.wire.responses.first_content import has_content
from shared.wire.responses.held import Ids
from shared.wire.responses.over import over
from shared.wire.responses.request import ResponsesRequest, claimed, decode_responses
from shared.wire.responses.whole_stream import WholeResponse, gather, text_tokens


class RingSeals:
    """The ring that the vault has at the moment."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, plain: bytes) -> str:
        return self._vault.ring.seal(plain)

    def open(self, sealed: str) -> bytes | None:
        try:
            return self._vault.ring.open(sealed)
        except CannotOpen:
            return None


class _NoSeals:
    """Opens nothing: for who asks what a request would cost, and nothing of it is kept."""

    def seal(self, plain: bytes) -> str:
        raise CannotOpen("nothing is sealed here")

    def open(self, sealed: str) -> bytes | None:
        return None


def unsealed_wire() -> Wire:
    """Of requests that are read and not served; one that continues a stored response is refused."""
    return responses_wire(Ids(_NoSeals()))


def responses_wire(ids: Ids) -> Wire:
    return Wire(
        "responses",
        partial(decode_responses, ids=ids),
        partial(over, ids=ids),
        has_content,
        text_tokens,
        WholeResponse,
        gather,
        splice,
        error_body,
        error_event,
        _narrow,
        claimed,
        _may_widen,
    )


def _may_widen(chat: ChatRequest) -> bool:
    """Sealed thoughts alone bind nobody: another provider's model goes on without them."""
    held = chat.held if isinstance(chat, ResponsesRequest) else None
    return held is not None and not held.response


def _narrow(chat: ChatRequest, request: RoutingRequest) -> RoutingRequest:
    """To the key that holds what the request continues: by no other is it found.

    Raises InvalidField where that key is gone.
    """
    held = chat.held if isinstance(chat, ResponsesRequest) else None
    if held is None:
        return request
    funded = {slug for slug in request.platform_funded if account_of(slug, 0) == held.account}
    own = [key for key in request.own_keys if account_of(key.provider, key.id) == held.account]
    if not funded and not own:
        if not held.response:
            return request
        raise InvalidField(
            "The key that holds the conversation is gone: send all of its items.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return msgspec.structs.replace(request, platform_funded=frozenset(funded), own_keys=tuple(own))


class Responses:
    """What answering a request needs; one a process."""

    def __init__(self, completions: Completions, ids: Ids) -> None:
        self._completions = completions
        self._wire = responses_wire(ids)

    async def serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        await self._completions.serve(self._wire, scope, receive, send)


@opener
async def open_responses(completions: Completions, vault: Vault) -> AsyncGenerator[Responses]:
    yield Responses(completions, Ids(RingSeals(vault)))
