"""What the operator is told of finished requests, beside their line."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.completion.report import Reporter
from shared.ledger.record import Attempt
from tests.fakes.usage_records import final


async def flagged(asked: str, served: str | None, via: str | None) -> list[str]:
    attempts = (Attempt("openai", asked, 200, None, 9, via),)
    reporter = Reporter()
    reporter.note("openai", asked, False, final(model_served=served, attempts=attempts))
    with capture_logs() as logs:
        reporter.flush()
    return [one["model_served"] for one in logs if one["event"] == "completion.model_differs"]


@pytest.mark.parametrize(
    ("asked", "served", "via", "is_flagged"),
    [
        ("gpt-cheap", "gpt-very-dear", "litellm", True),
        ("openai/gpt-cheap", "vendor/gpt-dear", "litellm", True),
        ("gpt-cheap", "gpt-cheap-2026-01-01", "litellm", False),
        ("gpt-cheap-2026-01-01", "openai/GPT-cheap", "litellm", False),
        ("gpt-cheap", None, "litellm", False),
        ("gpt-cheap", "gpt-very-dear", None, False),
    ],
)
def test_another_model_than_was_asked_for_behind_a_proxy_is_in_the_log(
    asked: str, served: str | None, via: str | None, is_flagged: bool
) -> None:
    assert (asyncio.run(flagged(asked, served, via)) == [served]) is is_flagged
