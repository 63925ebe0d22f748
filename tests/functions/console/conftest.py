"""A console with nothing in it, over a running gateway of a module's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token
from tests.fakes.uvicorn_server import UvicornServer

HTML = {"accept": "text/html"}
COOKIE = "__Host-switchyard"


class Place:
    def __init__(self, deployment: Deployment, web: UvicornServer) -> None:
        self.deployment = deployment
        self.url = web.url
        self.origin = {"origin": web.url}

    def token(self, user_id: str = "ann", **more: object) -> str:
        token = mint()
        with psycopg.connect(self.deployment.database_url, autocommit=True) as connection:
            create_token(
                connection, token=token, name=user_id, user_id=user_id, team_id=None,
                tier="enterprise", **{"role": "user", **more},  # type: ignore[arg-type]
            )  # fmt: skip
        return token

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.deployment.database_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def post(
        self, path: str, form: dict[str, str], cookie: str = "", origin: str | None = None
    ) -> httpx.Response:
        headers = {**HTML, "origin": self.url if origin is None else origin}
        if cookie:
            headers["cookie"] = f"{COOKIE}={cookie}"
        return httpx.post(self.url + path, data=form, headers=headers, trust_env=False, timeout=20)

    def get(self, path: str, cookie: str = "", **headers: str) -> httpx.Response:
        sent = {**HTML, **({"cookie": f"{COOKIE}={cookie}"} if cookie else {}), **headers}
        return httpx.get(self.url + path, headers=sent, trust_env=False, timeout=20)

    def sign_in(self, token: str, old: str = "") -> str:
        answer = self.post("/sign-in", {"token": token}, old)
        assert answer.status_code == 303, answer.text
        return cookie_of(answer)

    def csrf(self, cookie: str) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.get("/keys", cookie).text)
        assert found is not None
        return found[1]


def cookie_of(answer: httpx.Response) -> str:
    found = re.match(rf"{COOKIE}=([^;]+);", answer.headers["set-cookie"])
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def place(new_place: NewPlace) -> Iterator[Place]:
    with SimulatedProvider() as simulated:
        deployment = Deployment(**new_place("console")._asdict(), simulated_url=simulated.url)
        with deployment.web() as web:
            yield Place(deployment, web)
