"""The job over a database, with a simulated provider that answers for all or some."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr

from functions.check_health.run import Checker, check_health
from shared.db.connect import connect_once
from shared.health.hysteresis import Traffic
from shared.settings import PROVIDER_PREFIXES
from shared.upstream.platform_access import PlatformAccess
from shared.upstream.platform_keys import PlatformKeys
from shared.upstream.provider_url import ProviderUrls
from shared.upstream.transport import Transport
from shared.vault.sealing import Vault
from shared.wire.providers import SEEDS

PATHS = {slug: urlsplit(seed.base_url).path for slug, seed in SEEDS.items()}
NOWHERE = "http://127.0.0.1:9"


class Health:
    """Runs the job over a database; `away` are slugs that nobody answers for."""

    def __init__(self, database_url: str, simulated_url: str) -> None:
        self.database_url = database_url
        self.simulated_url = simulated_url
        self.away: set[str] = set()
        self.vault: Vault | None = None
        self.keys = dict.fromkeys(PROVIDER_PREFIXES, "a-good-key")
        self.traffic: Mapping[str, Traffic] | None = {}
        self.now = datetime.now(UTC)

    def check(self, run: str | None = None) -> int:
        self.now += timedelta(seconds=300)
        return asyncio.run(self._check(run or str(uuid4())))

    async def _check(self, run: str) -> int:
        transport = Transport()
        urls = {
            slug: f"{NOWHERE if slug in self.away else self.simulated_url}/{slug}{path}"
            for slug, path in PATHS.items()
        }
        access = PlatformAccess(
            keys=PlatformKeys(
                {slug: SecretStr(key) for slug, key in self.keys.items()}, vault=self.vault
            ),
            urls=ProviderUrls(base_urls=urls, simulated_url=None),
            has_litellm=False,
        )

        async def traffic() -> Mapping[str, Traffic] | None:
            return self.traffic

        try:
            async with connect_once(self.database_url) as connection:
                checker = Checker(
                    connection=connection,
                    transport=transport,
                    access=access,
                    read_traffic=traffic,
                    interval_s=300,
                    now=lambda: self.now,
                )
                return await check_health(checker, run)
        finally:
            await transport.aclose()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row, autocommit=True) as one:
            return one.execute(statement.encode()).fetchall()

    def of(self, slug: str) -> dict[str, Any]:
        (row,) = self.rows(f"SELECT * FROM llm_providers WHERE provider_slug = '{slug}'")
        return row

    def statuses(self) -> set[str]:
        return {
            row["health_status"] for row in self.rows("SELECT health_status FROM llm_providers")
        }
