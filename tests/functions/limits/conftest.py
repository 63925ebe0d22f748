"""Two gateways over one Redis and one PostgreSQL, and users who have limits from the start."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import Deployment, ask
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

MODEL = "gpt-6.1-terra"
LIMITS: Mapping[str, Mapping[str, Any]] = {
    "five": {"requests_per_minute": 5},
    "one-open": {"concurrent_requests": 1},
    "rich": {"budget_day_usd": Decimal("0.004")},
    "streams": {"budget_day_usd": Decimal("0.004")},
    "poor": {"budget_day_usd": Decimal("0.000000001")},
    "soft": {"requests_per_minute": 1, "budget_day_usd": Decimal(0), "is_soft": True},
    "refused": {"requests_per_minute": 2, "budget_day_usd": Decimal("0.002")},
    "failing": {"budget_day_usd": Decimal("0.01"), "concurrent_requests": 1},
    "tokens": {"tokens_per_minute": 400},
    "embeds": {"tokens_per_minute": 400, "budget_day_usd": Decimal("0.01")},
    "nothing": {"requests_per_minute": 0},
    "told": {"requests_per_minute": 6, "tokens_per_minute": 60_000},
    "steps": {"budget_day_usd": Decimal("0.01"), "on_budget": "step_down"},
    "quoted": {"budget_day_usd": Decimal("0.008")},
}


class Pair(NamedTuple):
    """`users` are the headers of each one."""

    first: UvicornServer
    second: UvicornServer
    deployment: Deployment
    users: Mapping[str, Mapping[str, str]]

    def ask(self, user: str, which: int = 0, **body: Any) -> httpx.Response:
        """A completion; while a fresh Redis has heard of nobody, a budget is not known."""
        fields = {"model": MODEL, "max_tokens": 10, **body}
        headers = dict(self.users[user])
        ends = time.monotonic() + 15.0
        while True:
            answer = ask(self[which].url, headers=headers, **fields)
            if answer.status_code != 503 or time.monotonic() > ends:
                return answer
            time.sleep(0.2)

    def rows(self, user: str, number: int) -> list[dict[str, Any]]:
        """Those of `user`, once there are as many."""

        def mine(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [row for row in rows if row["user_id"] == user]

        return mine(self.deployment.rows_when(lambda rows: len(mine(rows)) >= number))


@pytest.fixture(scope="package")
def pair(new_place: NewPlace, simulated: SimulatedProvider) -> Iterator[Pair]:
    place = new_place("limits")
    users: dict[str, Mapping[str, str]] = {}
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        for name in (*LIMITS, "free"):
            token = mint()
            create_token(
                *(connection,), token=token, name=name, user_id=name, team_id=None,
                tier="enterprise", role="user",
            )  # fmt: skip
            users[name] = {"authorization": f"Bearer {token}"}
        for name, amounts in LIMITS.items():
            columns = ", ".join(amounts)
            marks = ", ".join(["%s"] * len(amounts))
            connection.execute(
                f"INSERT INTO limits (scope, subject, {columns})"
                f" VALUES ('user', %s, {marks})".encode(),
                [name, *amounts.values()],
            )
        connection.execute(
            "INSERT INTO limits (scope, subject, requests_per_minute) VALUES ('tag', 'ci', 2)"
        )
    deployment = Deployment(**place._asdict(), simulated_url=simulated.url)
    with deployment.worker(), deployment.web() as first:
        more = place.data_dir.with_name("limits-2")
        more.mkdir()
        with deployment.web(SWITCHYARD_DATA_DIR=str(more)) as second:
            both = Pair(first, second, deployment, users)
            for which in (0, 1):  # a Redis that is new grants nothing for 5 s
                assert both.ask("poor", which).status_code == 402
            yield both
