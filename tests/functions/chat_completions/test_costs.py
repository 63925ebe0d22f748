"""What a conversation costs does not hang on how its answer was asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fakes.eight_upstreams import UPSTREAMS, name_of
from tests.fakes.gateway import Deployment, ask
from tests.fakes.uvicorn_server import UvicornServer

FORMS: dict[str, dict[str, Any]] = {
    "JSON": {},
    "stream": {"stream": True},
    "stream, usage off": {"stream": True, "stream_options": {"include_usage": False}},
    "stream, usage on": {"stream": True, "stream_options": {"include_usage": True}},
}


def test_each_form_of_an_answer_costs_the_same_to_the_last_pico_dollar(
    eight_gateway: UvicornServer, eight: Deployment
) -> None:
    said = "The very same words, and an odd number of them"
    asked = {
        ask(eight_gateway.url, said, model=name_of(upstream), **form).headers["x-request-id"]: (
            upstream,
            name,
        )
        for upstream in UPSTREAMS
        for name, form in FORMS.items()
    }
    assert len(asked) == len(UPSTREAMS) * len(FORMS)

    def mine(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
        return {
            asked[row["request_id"]]: row
            for row in rows
            if row["request_id"] in asked and row["state"] == "final"
        }

    rows = mine(eight.rows_when(lambda rows: len(mine(rows)) == len(asked)))
    assert len(rows) == len(asked)
    for upstream in UPSTREAMS:
        costs = {rows[upstream, name]["cost_total_usd"] for name in FORMS}
        row = rows[upstream, "JSON"]
        usd = Decimal(row["prompt_tokens"] + 2 * row["completion_tokens"]) / 1_000_000
        assert costs == {usd}
        quality = "provider_reported" if upstream == "openrouter" else "measured"
        assert {rows[upstream, name]["cost_quality"] for name in FORMS} == {quality}
