"""`switchyard route` prints what the gateway says."""

from __future__ import annotations

import json
import time

import psycopg
import pytest
from click.testing import CliRunner, Result

from shared.cli.main import switchyard
from shared.wire.providers import SEEDS
from tests.fakes.gateway import Deployment
from tests.fakes.uvicorn_server import UvicornServer


def run(*words: str) -> Result:
    return CliRunner().invoke(switchyard, ["route", *words])


def at(web: UvicornServer, *words: str) -> Result:
    return run("--url", web.url, "--token", "admin-token", *words)


def test_a_route_is_a_table(web: UvicornServer) -> None:
    done = at(web, "--tokens", "2000", "--max-tokens", "500")
    assert done.exit_code == 0, done.output
    assert "balanced, enterprise tier, about 2006 prompt tokens" in done.stdout
    assert "openai" in done.stdout
    assert "over_price" in done.stdout


def test_as_json_it_is_the_gateways_answer(web: UvicornServer) -> None:
    told = json.loads(at(web, "--tier", "free", "--json").stdout)
    assert told["tier"] == "free"
    first, *others = told["candidates"]
    assert (first["model"], first["source"]) == ("openai/gpt-oss-20b", "listed")
    assert {(one["reason"], one["source"]) for one in others} == {("default", "default")}
    assert {one["provider"] for one in others} == SEEDS.keys() - {"groq"}


def test_models_that_are_switched_off_are_counted(
    web: UvicornServer, own_deployment: Deployment
) -> None:
    def switch(*, on: bool) -> str:
        """What is printed once the gateway has seen it."""
        statement = "UPDATE llm_models SET is_active = %s WHERE model_id = 'claude-opus-5-5'"
        with psycopg.connect(own_deployment.database_url, autocommit=True) as connection:
            connection.execute(statement, (on,))
        ends = time.monotonic() + 10
        while ("claude-opus" in (shown := at(web).stdout)) is not on and time.monotonic() < ends:
            time.sleep(0.1)
        return shown

    try:
        assert "1 more is switched off; --json lists them." in switch(on=False)
        assert "claude-opus-5-5" in at(web, "--json").stdout
    finally:
        assert "switched off" not in switch(on=True)


def test_what_the_gateway_refuses_is_one_line_and_status_1(web: UvicornServer) -> None:
    done = at(web, "--tier", "free", "--level", "precision")
    assert done.exit_code == 1
    assert done.stderr.startswith("switchyard: Power level 'precision' needs the professional tier")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "http://127.0.0.1:9", "--token", "x"), "no response from the gateway"),
        (("--url", "gateway", "--token", "x"), "not a gateway URL"),
        (("--url", "http://127.0.0.1:9"), "--token"),
    ],
)
def test_it_says_what_to_do(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert said in done.stderr


def test_a_provider_is_tested_from_where_the_gateway_runs(web: UvicornServer) -> None:
    words = ["provider", "test", "openai", "--url", web.url, "--token", "admin-token"]
    done = CliRunner().invoke(switchyard, [*words, "--json"])
    answer = json.loads(done.stdout)
    assert done.exit_code == (0 if answer["is_reachable"] and answer["key"] != "refused" else 1)
    assert answer["detail"] in CliRunner().invoke(switchyard, words).stdout
    unknown = CliRunner().invoke(switchyard, [*words[:2], "nobody", *words[3:]])
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "There is no provider 'nobody'" in unknown.stderr
