"""What a completions Lambda knows after a freeze, in which it could not ask what has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from shared.catalog.watch import STALE_AFTER_S
from tests.fakes.place import Place
from tests.fakes.raw_server import RawServer
from tests.fakes.runtime_api import Answer
from tests.fakes.tokens import revoke_token
from tests.infra.lambda_chat import Chat, StartChat, streams
from tests.infra.lambda_place import make_token

GROQ_MODEL = "groq/openai/gpt-oss-20b"
END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'switchyard'"
)


def change(place: Place, statement: str, *values: object) -> None:
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


def status(answer: Answer) -> int:
    return answer.prelude()["statusCode"]


@contextmanager
def thawing(place: Place) -> Generator[None]:
    """Let the freeze be long, and the news come to what is asked here later than the request.

    Frozen by SIGSTOP, its timers are due at once, and its polling may win; a machine that stood
    still has its clock stand still, too, and would not poll for another second.
    """
    time.sleep(STALE_AFTER_S + 0.2)
    with psycopg.connect(place.database_url) as connection:
        connection.execute("LOCK TABLE versions IN ACCESS EXCLUSIVE MODE")
        yield
        time.sleep(0.3)


def test_a_token_revoked_while_it_was_frozen_is_refused_by_the_first_request_after(
    chat: Chat, place: Place, provider: RawServer
) -> None:
    token = make_token(place)
    assert status(chat.ask(stream=False, token=token)) == 200
    assert chat.adapter.frozen.wait(10)
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        assert revoke_token(connection, newest_token(connection))
    with thawing(place):
        answer = chat.ask(stream=False, token=token)
    assert status(answer) == 401
    assert json.loads(answer.body())["error"]["code"] == "invalid_api_key"
    assert len(provider.requests) == 1


def newest_token(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT max(id) FROM access_tokens").fetchone()
    assert found is not None
    return found[0]


@pytest.fixture
def moved_to() -> Iterator[RawServer]:
    with RawServer(streams) as server:
        yield server


def test_a_provider_moved_while_it_was_frozen_is_asked_where_it_is_now(
    start_chat: StartChat, place: Place, provider: RawServer, moved_to: RawServer
) -> None:
    """Also over a connection to PostgreSQL that has not lived through the freeze."""
    move = (
        "UPDATE llm_providers SET base_url = %s, is_local = true, auth_type = 'none'"
        " WHERE provider_slug = 'groq'"
    )
    change(place, move, f"{provider.url}/v1")
    chat = start_chat()
    assert status(chat.ask(stream=False, model=GROQ_MODEL)) == 200
    assert chat.adapter.frozen.wait(10)
    change(place, move, f"{moved_to.url}/v1")
    change(place, END_CONNECTIONS)
    with thawing(place):
        answer = chat.ask(stream=False, model=GROQ_MODEL)
    assert status(answer) == 200
    assert (len(provider.requests), len(moved_to.requests)) == (1, 1)
