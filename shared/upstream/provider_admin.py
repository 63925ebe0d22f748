"""What an admin's commands about a provider need of the network: its host looked at, a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

import msgspec
from pydantic import Field, SecretStr

from shared.catalog.provider_changes import Providers
from shared.catalog.watch import SnapshotKeeper
from shared.db.connect import Database
from shared.db.connections import Connects
from shared.errors import InvalidField, NotFound
from shared.resources import opener
from shared.settings import SettingsGroup, UpstreamSettings, load_settings
from shared.upstream.check import CheckResult, check_provider
from shared.upstream.host_check import check_base_url
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.provider_url import place_of
from shared.upstream.transport import Transport

PROBE_TIMEOUT_S = 10.0


@opener
async def open_providers(database: Database) -> AsyncGenerator[Providers]:
    yield providers_over(database)


def providers_over(database: Connects) -> Providers:
    """The catalog's service with the checks of an address, which it is too far below to import."""
    check_url = partial(check_base_url, own=_own_services())
    return Providers(database, check_url=check_url, places=_places)


class _OwnServices(SettingsGroup):
    """Where the gateway's services are, whether or not this function opens them."""

    database_url: SecretStr | None = Field(None, alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, alias="REDIS_URL")


def _own_services() -> list[tuple[str, int]]:
    """Host and port of each that is set by a URL which can be read."""
    given = load_settings(_OwnServices)[_OwnServices]
    found: list[tuple[str, int]] = []
    for url, usual_port in ((given.database_url, 5432), (given.redis_url, 6379)):
        with suppress(ValueError):  # several hosts, or a socket: nothing that a URL could lead to
            parts = urlsplit(url.get_secret_value() if url else "")
            if parts.hostname:
                found.append((parts.hostname, parts.port or usual_port))
    return found


class Probed(msgspec.Struct, frozen=True):
    found: CheckResult
    has_key: bool
    is_simulated: bool


class Probe:
    """Asks one provider's free endpoint, with the platform's key if there is one."""

    def __init__(
        self, transport: Transport, access: PlatformAccess, keeper: SnapshotKeeper
    ) -> None:
        self._transport = transport
        self._access = access
        self._keeper = keeper

    async def ask(self, slug: str) -> Probed:
        """The provider as its row is now.

        Raises NotFound, and InvalidField where the row's URL or dialect, or the key, cannot be
        used.
        """
        provider = (await self._keeper.refresh()).providers_by_slug.get(slug)
        if provider is None:
            raise NotFound(
                f"There is no provider '{slug[:63]}'.", param="provider", code="provider_not_found"
            )
        key = self._access.key_of(provider)
        try:
            endpoint = self._access.urls.of(provider)
            found = await check_provider(self._transport, endpoint, key, timeout_s=PROBE_TIMEOUT_S)
        except ValueError as error:
            raise InvalidField(
                f"{slug} cannot be asked: {error}.", param="base_url", code="cannot_be_asked"
            ) from error
        return Probed(found, has_key=key is not None, is_simulated=endpoint.is_simulated)


@opener
async def open_probe(
    access: PlatformAccess, keeper: SnapshotKeeper, way_out: UpstreamSettings
) -> AsyncGenerator[Probe]:
    transport = Transport.from_settings(way_out)
    try:
        yield Probe(transport, access, keeper)
    finally:
        await transport.aclose()


def _places(url: str, is_local: bool) -> tuple[str, ...]:
    """None where no key is ever sent: an older row's URL that cannot be read, say."""
    try:
        place = place_of(url, is_local=is_local)
    except ValueError:
        return ()
    return (place.sealed_to,) if place.earlier is None else (place.sealed_to, place.earlier)
