"""R21 of RELIABILITY.md: known secrets go the whole way, and are then looked for everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from shared.auth.token import mint
from tests.fakes.echoing_provider import WAYS, EchoingProvider
from tests.fakes.gateway import Deployment
from tests.fakes.place import NewPlace, Place
from tests.fakes.secret_journey import (
    ADMIN_PATH,
    ALICES,
    DATABASE_PASSWORD,
    ENVIRONMENTS,
    KEYS_PATH,
    LITELLM,
    MODELS,
    REDIS_PASSWORD,
    REPLACED,
    STORED,
    WEBHOOK,
    Journey,
    break_what_is_stored,
    complete_in_every_way,
    make_and_change_tokens,
    read_all_there_is,
    run_commands,
    store_and_change_keys,
)
from tests.fakes.secret_search import dump_database, dump_folder, dump_redis, leaks
from tests.fakes.tokens import create_token


@pytest.fixture(scope="module")
def upstream() -> Iterator[EchoingProvider]:
    with EchoingProvider() as server:
        yield server


@pytest.fixture(scope="module")
def place(new_place: NewPlace) -> Place:
    return new_place("canary")


def deployment_of(place: Place, upstream: EchoingProvider) -> Deployment:
    more = {
        "SWITCHYARD_TRYOUT_TOKENS": "",
        "LOG_LEVEL": "debug",
        "OPENAI_BASE_URL": f"{upstream.url}/openai/v1",
        "OPENAI_API_KEY": ENVIRONMENTS,
        "ANTHROPIC_BASE_URL": f"{upstream.url}/anthropic/v1",
        "LITELLM_PROXY_URL": f"{upstream.url}/litellm",
        "LITELLM_MASTER_KEY": LITELLM,
        "USAGE_WEBHOOK_URL": f"{upstream.url}/webhook",
        "USAGE_WEBHOOK_SECRET": WEBHOOK,
    }
    return Deployment(**place._asdict(), simulated_url=None, more=more)


@pytest.fixture(scope="module")
def secrets(place: Place) -> dict[str, str]:
    return {
        "alice's key": ALICES,
        "the key it replaced": REPLACED,
        "the environment's key": ENVIRONMENTS,
        "the stored platform key": STORED,
        "LiteLLM's key": LITELLM,
        "the webhook's secret": WEBHOOK,
        "the database's password": urlsplit(place.database_url).password or "",
        "Redis' password": urlsplit(place.redis_url).password or "",
        "the password of a database that is away": DATABASE_PASSWORD,
        "the password of a Redis that is away": REDIS_PASSWORD,
    }


def without_services(
    place: Place, upstream: EchoingProvider, journey: Journey, token: str
) -> tuple[bytes, str, bytes]:
    """What stays in the spool while Redis is away, what is logged then, and what commands print."""
    nowhere = place._replace(
        redis_url=f"redis://default:{quote(REDIS_PASSWORD, safe='')}@127.0.0.1:1/0",
        data_dir=place.data_dir.with_name("canary-spool"),
    )
    without_redis = deployment_of(nowhere, upstream)
    with without_redis.web() as lonely:
        journey.url = lonely.url
        journey.ask(token, MODELS["openai"], "status 400", stream=False)
        journey.ask(token, MODELS["openai"], "ok", stream=False)
        spool = dump_folder(nowhere.data_dir)
        logs = lonely.output()
    away = "postgresql://nobody@127.0.0.1:1/none?password=" + quote(DATABASE_PASSWORD, safe="")
    broken = {**without_redis.environment, "DATABASE_URL": away}
    return spool, logs, run_commands(broken, "doctor", "key verify")


@pytest.fixture(scope="module")
def places(place: Place, upstream: EchoingProvider, secrets: dict[str, str]) -> dict[str, bytes]:
    """All that is left behind by a journey with these secrets, by kind of place."""
    deployment = deployment_of(place, upstream)
    secrets["the encryption key"] = deployment.environment["BYOK_ENCRYPTION_KEY"]
    secrets["the admin's token"] = admin = mint()
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        create_token(
            connection,
            token=admin,
            name="admin",
            user_id="admin",
            team_id=None,
            tier="enterprise",
            role="admin",
        )
    with deployment.web() as web:
        journey = Journey(web.url, admin, secrets)
        alice, bob = make_and_change_tokens(journey)
        store_and_change_keys(journey, upstream, alice)
        complete_in_every_way(journey, upstream, alice, bob)
        break_what_is_stored(journey, place.database_url, alice)
        left_in_redis = dump_redis(place.redis_url)
        with deployment.worker() as worker:
            for way in ("bad header", "status 401"):
                upstream.way = way
                journey.done("POST", ADMIN_PATH + "/health/check?wait=true")
            deployment.rows_when(lambda rows: len(rows) >= len(WAYS))
            read_all_there_is(journey, alice)
            database = dump_database(place.database_url)
            journey.done("DELETE", KEYS_PATH + "/openai", alice)
            commands = ("doctor --json", "key verify", "token list --json")
            printed = run_commands(deployment.environment, *commands)
            logs = worker.output()
        logs += web.output()
    spool, more_logs, more_printed = without_services(place, upstream, journey, bob)
    return {
        "logs": (logs + more_logs).encode(),
        "answers": b"\n".join(journey.answers),
        "metrics": journey.metrics,
        "database": database + dump_database(place.database_url),
        "Redis": left_in_redis + dump_redis(place.redis_url),
        "spool": spool + dump_folder(place.data_dir),
        "commands": printed + more_printed,
    }


def test_no_secret_is_left_anywhere(places: dict[str, bytes], secrets: dict[str, str]) -> None:
    assert leaks(secrets, places) == set()


def test_the_journey_went_where_a_secret_could_have_leaked(places: dict[str, bytes]) -> None:
    for place, sign in {
        "logs": b"Traceback (most recent call last)",
        "answers": b"provider_key_rejected",
        "metrics": b"switchyard_requests_total{",
        "database": b"user_api_keys (",
        "Redis": b"gpt-6.1-terra",
        "spool": b"gpt-6.1-terra",
        "commands": b"database",
    }.items():
        assert sign in places[place], place
    for sign in (b'"level":"debug"', b"request.crashed"):
        assert sign in places["logs"]
    for sign in (b"user_key.not_opened", b",access_token,"):
        assert sign in places["database"]
