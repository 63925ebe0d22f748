"""The search of R21 finds a secret in each kind of place: it is right where it finds none."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import psycopg
import pytest
import redis

from tests.fakes.secret_search import dump_database, dump_folder, dump_redis, leaks
from tests.fakes.uvicorn_server import UvicornServer

# The log is written by a thread of its own.
_WRITTEN_WITHIN_S = 0.5
SECRET = "sk-planted+/=%Q7xZ0pLm"


def as_url(secret: str) -> str:
    return quote_plus(secret)


def as_basic(secret: str) -> str:
    return base64.b64encode(f"user:{secret}@".encode()).decode()


def as_json(secret: str) -> str:
    return json.dumps({"key": secret}).replace("/", "\\/")


@pytest.fixture(scope="module")
def leaky() -> Iterator[UvicornServer]:
    with UvicornServer("tests.fakes.leaky:app", ready="/readyz") as server:
        yield server


def leaked(
    leaky: UvicornServer, path: str, text: str, read: Callable[[], str] | None = None
) -> bytes:
    answer = httpx.get(f"{leaky.url}/leak/{path}", headers={"x-leak": text}, trust_env=False)
    if read is None:
        return answer.content
    time.sleep(_WRITTEN_WITHIN_S)
    return read().encode()


def left_in_redis(url: str, text: str) -> bytes:
    with redis.Redis.from_url(url) as client:
        client.xadd("stream", {"field": text})
    return dump_redis(url)


def left_in_a_file(folder: Path, text: str) -> bytes:
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "1.log").write_bytes(b"\0\xff" + text.encode() + b"\0")
    return dump_folder(folder)


@pytest.mark.parametrize("encode", [str, as_url, as_basic, as_json], ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", ["logs", "traceback", "answers", "metrics", "Redis", "spool"])
def test_a_planted_secret_is_found(
    kind: str, encode: Callable[[str], str], leaky: UvicornServer, redis_url: str, tmp_path: Path
) -> None:
    """The search is right to have found nothing."""
    planted = {
        "logs": lambda text: leaked(leaky, "log", text, leaky.output),
        "traceback": lambda text: leaked(leaky, "raise", text, leaky.output),
        "answers": lambda text: leaked(leaky, "answer", text),
        "metrics": lambda text: leaked(leaky, "metrics", text),
        "Redis": lambda text: left_in_redis(redis_url, text),
        "spool": lambda text: left_in_a_file(tmp_path / "spool", text),
    }[kind]
    secret = f"sk-planted+/=%{kind}-{encode.__name__}"
    found = leaks({"it": secret, "another": SECRET}, {kind: planted(encode(secret))})
    assert {(place, name) for place, name, _ in found} == {(kind, "it")}


@pytest.mark.parametrize("encode", [str, as_url, as_basic, as_json], ids=lambda one: one.__name__)
def test_a_planted_secret_is_found_in_the_database(
    migrated_database_url: str, encode: Callable[[str], str]
) -> None:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_events (actor, action, target_type, details)"
            " VALUES ('a', 'b.c', 'd', jsonb_build_object('deep', jsonb_build_array(%s::text)))",
            (encode(SECRET),),
        )
    found = leaks({"it": SECRET}, {"database": dump_database(migrated_database_url)})
    assert {(place, name) for place, name, _ in found} == {("database", "it")}
