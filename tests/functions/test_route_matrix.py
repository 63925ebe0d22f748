"""Every route times every kind of caller.

A route without a row in route_table.py fails `test_every_route_has_a_row`, which prints the line to
add.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from litestar.handlers import ASGIRouteHandler

from shared.auth.scope import Scope
from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer
from tests.functions.route_table import (
    ALL,
    BYOK,
    KEY,
    MEMBER,
    OPENAI,
    OWN_TOKEN,
    ROUTES,
    SYSTEM_KEYS,
    TEAMS,
    TOKEN,
    New,
    Row,
)


def test_every_route_has_a_row() -> None:
    missing = sorted(ALL.keys() - ROUTES.keys())
    lines = [f"    ({method!r}, {path!r}): user(),  # or admin()" for method, path in missing]
    assert not missing, "\n".join(["add to ROUTES of tests/functions/route_table.py:", *lines])


def test_no_row_is_left_of_a_route_that_is_gone() -> None:
    assert sorted(ROUTES.keys() - ALL.keys()) == []


@pytest.mark.parametrize(("method", "path"), sorted(ALL))
def test_every_route_declares_a_guard(method: str, path: str) -> None:
    handler = ALL[method, path]
    raw = isinstance(handler, ASGIRouteHandler)
    assert handler.guards or (raw and handler.opt.get("guard"))


@pytest.fixture(scope="module")
def place(
    new_place: NewPlace,
    simulated: SimulatedProvider,
) -> Iterator[tuple[Deployment, UvicornServer]]:
    deployment = Deployment(
        **new_place("matrix")._asdict(),
        simulated_url=simulated.url,
    )
    with deployment.web() as web:
        yield deployment, web


class Callers:
    """A token of each kind, by the words of _expected_refusals."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._newest = 0
        self.tokens = {
            "user": self.make("ann"),
            "other": self.make("otto"),
            "admin": self.make("root", role="admin"),
            "revoked user": self.make("ann", revoked=True),
            "revoked admin": self.make("root", role="admin", revoked=True),
            "expired user": self.make("ann", expires_in=timedelta(seconds=-1)),
            "expired admin": self.make("root", role="admin", expires_in=timedelta(seconds=-1)),
            **{f"user with {one}": self.make("ann", scopes=[one]) for one in Scope},
            **{f"admin with {one}": self.make("root", role="admin", scopes=[one]) for one in Scope},
        }

    def make(
        self,
        user_id: str,
        *,
        role: str = "user",
        revoked: bool = False,
        expires_in: timedelta | None = None,
        scopes: list[str] | None = None,
    ) -> str:
        token = mint()
        self._newest = create_token(
            self._connection,
            token=token,
            name=user_id,
            user_id=user_id,
            team_id=None,
            tier="enterprise",
            role=role,
            scopes=scopes or [],
            expires_at=None if expires_in is None else datetime.now(UTC) + expires_in,
        )
        if revoked:
            self._connection.execute(
                "UPDATE access_tokens SET revoked_at = now() WHERE id = %s", (self._newest,)
            )
        return token

    def spare(self, user_id: str = "spare", scope: Scope = Scope.ADMIN) -> int:
        """The id of a token to change; it may do no more than who changes it may give."""
        self.make(user_id, scopes=[scope])
        return self._newest

    def leave_keys_to_ann(self) -> None:
        self._connection.execute("DELETE FROM user_api_keys WHERE user_id <> 'ann'")


@pytest.fixture(scope="module")
def callers(place: tuple[Deployment, UvicornServer]) -> Iterator[Callers]:
    with psycopg.connect(place[0].database_url, autocommit=True) as connection:
        yield Callers(connection)


@pytest.fixture(scope="module")
def client(place: tuple[Deployment, UvicornServer]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=place[1].url, trust_env=False, timeout=30) as client:
        yield client


NUMBERS = itertools.count(100)
_CHANGES_THE_LEAST_FIRST = ("GET", "POST", "PATCH", "PUT", "DELETE")
ORDERED = sorted(ALL, key=lambda one: (_CHANGES_THE_LEAST_FIRST.index(one[0]), one[1]))


@pytest.mark.parametrize(("method", "path"), ORDERED)
def test_a_route_lets_in_whom_its_row_says_and_nobody_else(
    method: str, path: str, client: httpx.Client, callers: Callers
) -> None:
    row = ROUTES[method, path]

    callers_and_tokens = {**callers.tokens, "anonymous": None, "unknown": mint()}
    expected = _expected_refusals(row, callers_and_tokens)

    def status(kind: str, token: str | None) -> int:
        # For who is to be refused nothing is made: it is not even looked for.
        filled, body = ({}, row.body) if kind in expected else _prepare(client, callers, row, path)
        url = path
        for name, value in filled.items():
            url = re.sub(rf"/?{{{name}:\w+}}", f"/{value.removeprefix('/')}", url)
        url = re.sub(r"/?{[^}]+}", "/1", url)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return client.request(method, url, headers=headers, json=body).status_code

    got = {kind: status(kind, token) for kind, token in callers_and_tokens.items()}
    refused = {kind: code for kind, code in got.items() if code in (401, 403)}
    assert refused == expected
    let_in = {kind: code for kind, code in got.items() if kind not in refused}
    if row.missing is not None:
        assert set(let_in.values()) == {row.missing}
        return
    if row.other is not None:
        assert let_in.pop("other") == row.other
        # An admin is another user too: nobody acts on others' keys.
        let_in = {kind: code for kind, code in let_in.items() if not kind.startswith("admin")}
    assert {kind: code for kind, code in let_in.items() if code >= 400} == {}


def _made(client: httpx.Client, callers: Callers, new: New) -> str:
    root = {"authorization": f"Bearer {callers.tokens['admin']}"}
    answer = client.post(new.where, headers=root, json=new.numbered(next(NUMBERS)))
    assert answer.status_code == 201, answer.text
    return str(answer.json()[new.field])


def _join(client: httpx.Client, callers: Callers, names: dict[str, str]) -> None:
    root = {"authorization": f"Bearer {callers.tokens['admin']}"}
    url = f"{TEAMS}/{names['team_id']}/members/{names['user_id']}"
    client.put(url, headers=root, json={}).raise_for_status()


def _prepare(
    client: httpx.Client, callers: Callers, row: Row, path: str
) -> tuple[dict[str, str], Any]:
    """Have there what the row's path names, and of callers' own things only ann's; what fills the
    path, and the body.
    """
    callers.leave_keys_to_ann()
    if row.path is OPENAI:
        ann = {"authorization": f"Bearer {callers.tokens['user']}"}
        root = {"authorization": f"Bearer {callers.tokens['admin']}"}
        where, who = (SYSTEM_KEYS, root) if row.who == "admin" else (BYOK, ann)
        client.post(where, headers=who, json=KEY).raise_for_status()
    filled, body = {**row.path}, row.body
    if row.path == TOKEN:
        filled["token_id"] = str(callers.spare())
    if row.path == OWN_TOKEN:
        filled["token_id"] = str(callers.spare("ann", Scope.KEYS))
    if row.new is not None and "{" not in path:
        body = row.new.numbered(next(NUMBERS))
    elif row.new is not None:
        filled[row.new.parameter] = _made(client, callers, row.new)
    if row.path is MEMBER and row.new is not None:
        _join(client, callers, filled)
    return filled, body


def _expected_refusals(row: Row, kinds: Any) -> dict[str, int]:
    expected: dict[str, int] = {}
    for kind in kinds:
        who, _, limited_to = kind.partition(" with ")
        if row.who == "anyone":
            continue
        if row.who in ("session", "form"):
            expected[kind] = 401 if row.who == "session" else 403
            continue
        if who.startswith(("revoked", "expired")) or who in ("anonymous", "unknown"):
            expected[kind] = 401
        elif (row.who == "admin" and who != "admin") or (
            limited_to and row.scope is not None and limited_to != row.scope
        ):
            expected[kind] = 403
    return expected
