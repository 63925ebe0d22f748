"""An admin's changes to providers: the rules, the row and the audit trail, in one transaction.

A key is sealed to its provider's host (CVE-2026-41487: a changed base URL sends a kept key to
whoever is there), so a host changes only without keys.
"""

from __future__ import annotations

from typing import Any

import psycopg
from msgspec import UNSET

from functions.providers.admin_bodies import ChangeProvider, NewProvider
from shared.catalog import providers
from shared.catalog.providers import ProviderRow
from shared.db.audit import Actor, append_audit
from shared.db.connect import Database
from shared.errors import Conflict, InvalidField, NotFound, Unprocessable
from shared.upstream.host_check import check_base_url
from shared.upstream.origin import parse_url
from shared.wire.provider import OPENAI, auth_of


async def find(database: Database, slug: str) -> ProviderRow:
    """Raises NotFound."""
    async with database.connection() as connection:
        return _there(await providers.find_provider(connection, slug), slug)


async def create(database: Database, actor: Actor, body: NewProvider) -> ProviderRow:
    """Raises InvalidField, Conflict."""
    values: dict[str, Any] = {
        "name": body.provider,
        "auth_type": auth_of(OPENAI if body.dialect is UNSET else body.dialect),
        **body.values(),
        "base_url": body.base_url.rstrip("/"),
    }
    await _check_url(body.base_url, is_local=body.is_local is True)
    async with database.connection() as connection, connection.transaction():
        try:
            row = await providers.create_provider(connection, values)
        except psycopg.errors.UniqueViolation as error:
            raise _taken(error) from error
        await append_audit(
            connection, actor, "provider.create", "provider", row.provider, details=values
        )
        return row


async def change(database: Database, actor: Actor, slug: str, body: ChangeProvider) -> ProviderRow:
    """Raises NotFound, InvalidField, Conflict, Unprocessable (`provider_key_host_changed`)."""
    changes = body.values()
    if not changes:
        raise InvalidField("There is nothing to change in the body.", param="body")
    before = await find(database, slug)
    url = str(changes.get("base_url", before.base_url)).rstrip("/")
    is_local = bool(changes.get("is_local", before.is_local))
    if "base_url" in changes:
        changes["base_url"] = url
    if "base_url" in changes or (before.is_local and not is_local):
        await _check_url(url, is_local=is_local)
    async with database.connection() as connection, connection.transaction():
        held = _there(await providers.find_provider(connection, slug, for_update=True), slug)
        removed = await _let_go_of_keys(connection, held, url, remove=body.remove_keys)
        try:
            row = await providers.change_provider(connection, held.id, changes)
        except psycopg.errors.UniqueViolation as error:
            raise _taken(error) from error
        details: dict[str, Any] = {"changes": changes, "removed_keys": removed}
        await append_audit(connection, actor, "provider.change", "provider", slug, details=details)
        return row


async def delete(database: Database, actor: Actor, slug: str) -> None:
    """Raises NotFound; Conflict where models or keys of it are left, or it is built in."""
    async with database.connection() as connection, connection.transaction():
        row = _there(await providers.find_provider(connection, slug, for_update=True), slug)
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
        await append_audit(connection, actor, "provider.delete", "provider", slug)


async def _let_go_of_keys(
    connection: providers.Connection, held: ProviderRow, url: str, *, remove: bool
) -> int:
    """Callers' keys that were removed since the host changes. Raises Unprocessable."""
    if _host(held.base_url) == _host(url) or not (held.user_keys or held.has_system_key):
        return 0
    if not remove:
        raise Unprocessable(
            f"{held.user_keys} users' keys and {int(held.has_system_key)} platform keys are sealed"
            " to the host that base_url has now; send remove_keys: true to remove them,"
            " and let them be entered again.",
            param="base_url",
            code="provider_key_host_changed",
        )
    return await providers.remove_keys(connection, held.id)


def _host(url: str) -> str | None:
    """None where an older row's URL cannot be read: then nothing was ever sent there."""
    try:
        return parse_url(url)[0].host
    except ValueError:
        return None


async def _check_url(url: str, *, is_local: bool) -> None:
    try:
        await check_base_url(url, is_local=is_local)
    except ValueError as error:
        raise InvalidField(
            f"'base_url' is refused: {error}.", param="base_url", code="base_url_refused"
        ) from error


def _there(row: ProviderRow | None, slug: str) -> ProviderRow:
    if row is None:
        raise NotFound(
            f"There is no provider '{slug[:63]}'.", param="provider", code="provider_not_found"
        )
    return row


def _taken(error: psycopg.errors.UniqueViolation) -> Conflict:
    param = "name" if "name" in (error.diag.constraint_name or "") else "provider"
    return Conflict(f"There is a provider of this {param} already.", param=param, code="taken")
