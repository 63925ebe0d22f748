"""What an operator does on a platform once the processes run: a token, and a provider to ask."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from shared.auth.token import mint
from tests.fakes.admin import Admin, eventually
from tests.fakes.gateway import ask
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.tokens import create_token


def make_token(
    database_url: str, *, user_id: str = "olga", role: str = "admin"
) -> Mapping[str, str]:
    """The header of a new token, of the professional tier."""
    token = mint()
    with psycopg.connect(database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=token,
            name=user_id,
            user_id=user_id,
            team_id=None,
            tier="professional",
            role=role,
        )
    return {"authorization": f"Bearer {token}"}


def point_openai_at(simulated: SimulatedProvider, url: str, headers: Mapping[str, str]) -> None:
    """By the admin routes of the gateway at `url`; returns once it answers completions."""
    admin = Admin(url, headers)
    base_url = f"{simulated.url}/openai/v1"
    changed = admin("PATCH", "/providers/openai", base_url=base_url, is_local=True)
    assert changed.status_code == 200, changed.text

    key = "sk-simulated-0123456789abcd"
    stored = admin("POST", "/system-keys", provider="openai", api_key=key)
    assert stored.status_code == 200, stored.text
    assert eventually(lambda: ask(url, headers=headers).status_code == 200), stored.text
