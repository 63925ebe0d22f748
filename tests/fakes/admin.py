"""The admin routes as an operator's script calls them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from tests.fakes.gateway import ADMIN, USER


class Admin:
    """Calls below /api/v1/admin/llm with an admin's token."""

    def __init__(self, url: str, headers: Mapping[str, str] = ADMIN) -> None:
        self._url = f"{url}/api/v1/admin/llm"
        self._headers = headers

    def __call__(self, method: str, path: str, **body: Any) -> httpx.Response:
        return self._request(method, path, self._headers, body)

    def as_user(self, method: str, path: str) -> httpx.Response:
        return self._request(method, path, USER, {})

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: dict[str, Any]
    ) -> httpx.Response:
        url = self._url + path
        return httpx.request(
            method, url, headers=headers, json=body or None, trust_env=False, timeout=15
        )


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and param of an error in OpenAI's shape."""
    error = answer.json()["error"]
    assert error["message"].endswith(".")
    return answer.status_code, error["code"], error["param"]


def audited(database_url: str, target_type: str, target_id: str) -> list[dict[str, Any]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT actor, action, details FROM audit_events"
            " WHERE target_type = %s AND target_id = %s ORDER BY id",
            [target_type, target_id],
        ).fetchall()


def eventually(holds: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Wait until a change is in force in the serving process."""
    ends = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True
