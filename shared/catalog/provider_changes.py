"""An admin's changes to providers: the checks, the row and the audit trail, in one transaction.

A key is sealed to its provider's place (CVE-2026-41487: a changed base URL sends a kept key to
whoever is there, and plain http shows it to whoever is on the way), so that changes only without
keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol

import msgspec
import psycopg
from msgspec import UNSET, Meta, UnsetType

from shared.catalog import providers
from shared.catalog.changes import TierName, audit, refuse_unused, sent
from shared.catalog.providers import ProviderRow
from shared.db.audit import Action, Actor
from shared.db.connect import Connection
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotFound, Unprocessable
from shared.routing.deployment import Opens
from shared.wire.provider import OPENAI, DialectName, auth_of

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[str, Meta(max_length=2000)]
BaseUrl = Annotated[str, Meta(min_length=1, max_length=500)]
Prefix = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
# Shown to others: a link, never a script.
Link = Annotated[str, Meta(pattern=r"^https?://[!-~]{1,500}$")]
Limit = Annotated[int, Meta(ge=1, le=2**31 - 1)]

NOT_USED: Mapping[str, object] = {
    "supports_streaming": True,
    "supports_function_calling": True,
    "supports_vision": False,
    "rate_limit_rpm": None,
    "rate_limit_tpm": None,
    "rate_limit_rpd": None,
}
"""Columns that nothing reads yet, with what they hold in a new row: see `refuse_unused`."""


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`base_url` has the version segment. `is_local`: a server of the operator's own, which may be
    at a private address and serves requests with `privacy_required`. `auth_type` none: it asks
    for no key. `litellm_prefix`: what the LiteLLM proxy calls it. `opens`: which models are served
    that are not listed, `listed` (none), `priced` (by the platform's key those with a known price,
    by a caller's own key any) or `any`. `supports_*` and `rate_limit_*` are not used yet: another
    value than the present one is refused.
    """

    name: Name | UnsetType = UNSET
    dialect: DialectName | UnsetType = UNSET
    auth_type: Literal["bearer", "x-api-key", "none"] | UnsetType = UNSET
    litellm_prefix: Prefix | UnsetType | None = UNSET
    is_local: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_byok_supported: bool | UnsetType = UNSET
    supports_streaming: bool | UnsetType = UNSET
    supports_function_calling: bool | UnsetType = UNSET
    supports_vision: bool | UnsetType = UNSET
    rate_limit_rpm: Limit | UnsetType | None = UNSET
    rate_limit_tpm: Limit | UnsetType | None = UNSET
    rate_limit_rpd: Limit | UnsetType | None = UNSET
    min_tier: TierName | UnsetType = UNSET
    opens: Opens | UnsetType = UNSET
    api_key_format: Name | UnsetType | None = UNSET
    display_name: Name | UnsetType | None = UNSET
    description: Words | UnsetType | None = UNSET
    documentation_url: Link | UnsetType | None = UNSET
    pricing_url: Link | UnsetType | None = UNSET
    status_page_url: Link | UnsetType | None = UNSET


class ChangeProvider(_Fields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`remove_keys`: where the host changes (or its scheme, or the port of a local one), the keys
    that are sealed to the old one go.
    """

    base_url: BaseUrl | UnsetType = UNSET
    remove_keys: bool = False


class NewProvider(_Fields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`provider` is the slug, which never changes; only it and `base_url` are required."""

    provider: Slug
    base_url: BaseUrl


class CheckUrl(Protocol):
    async def __call__(self, url: str, *, is_local: bool) -> object:
        """Raises ValueError, which says why no provider may have this base URL."""
        ...


class Providers:
    """llm_providers as an admin reads and changes it. A change is in force everywhere within 2 s.

    What is passed in has been decoded (or converted) by msgspec, which checks each field.
    `places`, of a base URL and whether it is local: what its keys are sealed to, and behind that
    what else opens there; none where no key goes.
    """

    def __init__(
        self,
        database: Connects,
        *,
        check_url: CheckUrl,
        places: Callable[[str, bool], tuple[str, ...]],
    ) -> None:
        self._database = database
        self._check_url = check_url
        self._places = places

    async def list(self) -> list[ProviderRow]:
        """All of them, in the order of their ids."""
        async with self._database.connection() as connection:
            return await providers.list_providers(connection)

    async def find(self, slug: str) -> ProviderRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, slug)

    async def create(self, new: NewProvider, actor: Actor) -> ProviderRow:
        """Raises InvalidField, Conflict."""
        values: dict[str, Any] = {
            "name": new.provider,
            "auth_type": auth_of(OPENAI if new.dialect is UNSET else new.dialect),
            **sent(new),
            "base_url": new.base_url.rstrip("/"),
        }
        refuse_unused(NOT_USED, values)
        await self._check(new.base_url, is_local=new.is_local is True)
        async with self._database.connection() as connection, connection.transaction():
            try:
                await providers.create_provider(connection, values)
            except psycopg.errors.UniqueViolation as error:
                raise _taken(error) from error
            await audit(connection, actor, Action.PROVIDER_CREATED, new.provider, values)
            return await _found(connection, new.provider)

    async def change(self, slug: str, change: ChangeProvider, actor: Actor) -> ProviderRow:
        """Raises NotFound, InvalidField, Conflict, Unprocessable (`provider_key_host_changed`)."""
        changes = sent(change, besides=("remove_keys",))
        if not changes:
            raise InvalidField("There is nothing to change in the body.", param="body")
        before = await self.find(slug)
        url = str(changes.get("base_url", before.base_url)).rstrip("/")
        is_local = bool(changes.get("is_local", before.is_local))
        if "base_url" in changes:
            changes["base_url"] = url
        if "base_url" in changes or (before.is_local and not is_local):
            await self._check(url, is_local=is_local)
        async with self._database.connection() as connection, connection.transaction():
            held = await _found(connection, slug, for_update=True)
            refuse_unused(NOT_USED, changes, held)
            before, after = self._places(held.base_url, held.is_local), self._places(url, is_local)
            is_kept = set(before[:1]) <= set(after)
            removed = 0 if is_kept else await _let_go_of_keys(connection, held, change.remove_keys)
            try:
                await providers.change_provider(connection, held.id, changes)
            except psycopg.errors.UniqueViolation as error:
                raise _taken(error) from error
            details = {"changes": changes, "removed_keys": removed}
            await audit(connection, actor, Action.PROVIDER_CHANGED, slug, details)
            return await _found(connection, slug)

    async def delete(self, slug: str, actor: Actor) -> None:
        """Raises NotFound; Conflict where models or keys of it are left, or it is built in."""
        async with self._database.connection() as connection, connection.transaction():
            row = await _found(connection, slug, for_update=True)
            if row.is_system_provider:
                raise Conflict(
                    f"{slug} came with the installation: set is_active to false instead.",
                    param="provider",
                    code="system_provider",
                )
            models = await providers.count_models(connection, row.id)
            if models or row.user_keys or row.has_system_key:
                keys = row.user_keys + row.has_system_key
                raise Conflict(
                    f"{slug} still has {models} models and {keys} keys:"
                    " delete them first, or set is_active to false.",
                    param="provider",
                    code="provider_in_use",
                )
            await providers.delete_provider(connection, row.id)
            await audit(connection, actor, Action.PROVIDER_DELETED, slug)

    async def _check(self, url: str, *, is_local: bool) -> None:
        try:
            await self._check_url(url, is_local=is_local)
        except ValueError as error:
            raise InvalidField(
                f"'base_url' is refused: {error}.", param="base_url", code="base_url_refused"
            ) from error


async def _let_go_of_keys(connection: Connection, held: ProviderRow, remove: bool) -> int:  # noqa: FBT001
    """Keys that were removed since their place changes. Raises Unprocessable."""
    if not (held.user_keys or held.has_system_key):
        return 0
    if not remove:
        raise Unprocessable(
            f"{held.user_keys} users' keys and {int(held.has_system_key)} platform keys are"
            " sealed to the host and scheme that base_url has now (and, of a local provider, to"
            " the port); send remove_keys: true to remove them, and have their owners enter them"
            " again.",
            param="base_url",
            code="provider_key_host_changed",
        )
    return await providers.remove_keys(connection, held.id)


async def _found(connection: Connection, slug: str, *, for_update: bool = False) -> ProviderRow:
    row = await providers.find_provider(connection, slug, for_update=for_update)
    if row is None:
        raise NotFound(
            f"There is no provider '{slug[:63]}'.", param="provider", code="provider_not_found"
        )
    return row


def _taken(error: psycopg.errors.UniqueViolation) -> Conflict:
    param = "name" if "name" in (error.diag.constraint_name or "") else "provider"
    return Conflict(f"There is a provider of this {param} already.", param=param, code="taken")
