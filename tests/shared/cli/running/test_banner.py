"""What a newcomer reads: which providers are real, and what the line to paste costs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from shared.cli.running.banner import banner, example
from shared.cli.running.providers_seen import Cost, SeenProvider
from shared.upstream.platform_access import Way

URL = "http://127.0.0.1:8084"
NAMES = ("OpenAI", "Anthropic", "Google Gemini", "Groq", "Fireworks AI", "Together AI")


def seen(*real: str, others: Way) -> list[SeenProvider]:
    return [
        SeenProvider(name.lower(), name, Way.REAL if name in real else others) for name in NAMES
    ]


SIMULATED = seen(others=Way.SIMULATED)
REAL = seen("OpenAI", others=Way.OFF)
COST = Cost("openai/gpt-6.1-terra", 0.000327, 0.001)


def pasted(text: str) -> dict[str, object]:
    line = next(line for line in text.splitlines() if line.startswith("curl "))
    return json.loads(shlex.split(line)[-1])


def test_every_provider_is_named_once_with_what_it_is() -> None:
    text = banner(URL, REAL, COST, None)
    real, off = (line.split() for line in text.splitlines() if line[2:6] in ("REAL", "OFF "))
    assert real == ["REAL", "OpenAI"]
    assert off[0] == "OFF"
    for name in NAMES:
        assert text.count(name) == 1


def test_a_real_line_says_what_it_costs_and_is_bounded() -> None:
    text = banner(URL, REAL, COST, None)
    assert "about 0.000327 USD, 0.001000 at most" in text
    assert "openai/gpt-6.1-terra" in text
    assert pasted(text) == example(REAL)
    assert "max_tokens" in example(REAL)


def test_a_simulated_line_costs_nothing_and_says_how_the_simulation_ends() -> None:
    text = banner(URL, SIMULATED, COST, None)
    assert "USD" not in text
    assert "first real key ends the simulation of all" in text
    assert "REAL" not in text


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("There is no API key for Groq.", "it would be refused now: There is no API key for Groq."),
        (Cost("groq/new", None, None), "whose price is not known"),
    ],
)
def test_what_is_not_known_of_the_cost_is_said(cost: Cost | str, said: str) -> None:
    assert said in banner(URL, REAL, cost, None)


def test_where_the_command_is_is_told_where_the_shell_does_not_find_it() -> None:
    text = banner(URL, SIMULATED, None, Path("/srv/app/.venv/bin/switchyard"))
    assert "The command is /srv/app/.venv/bin/switchyard" in text
    assert '\n  export PATH="/srv/app/.venv/bin:$PATH"\n' in text
    assert "export PATH" not in banner(URL, SIMULATED, None, None)


@pytest.mark.parametrize("providers", [SIMULATED, REAL, []])
def test_all_but_what_is_pasted_fits_a_terminal(providers: list[SeenProvider]) -> None:
    text = banner(URL, providers, COST, None)
    assert all(len(line) <= 100 for line in text.splitlines() if not line.startswith("curl "))
