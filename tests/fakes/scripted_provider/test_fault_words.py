from __future__ import annotations

import pytest

from tests.fakes.scripted_provider.faults import NONE, Faults, UnknownFault, asked_by_model, parse


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", NONE),
        ("status-503", Faults(status=503)),
        ("status-429-retry-1", Faults(status=429, retry_after_s=1)),
        ("delay-2000", Faults(delay_ms=2000)),
        ("cut-3", Faults(cut_after=3)),
        ("error-3", Faults(error_after=3)),
        ("drip-100", Faults(drip_ms=100)),
        ("events-50", Faults(events=50)),
        ("hang", Faults(hang=True)),
        ("nousage", Faults(no_usage=True)),
        ("drip-50+cut-4", Faults(drip_ms=50, cut_after=4)),
        (" drip-50 ; cut-4 ;", Faults(drip_ms=50, cut_after=4)),
        ("delay-1+delay-2", Faults(delay_ms=2)),
    ],
)
def test_a_fault_is_read_as_written(text: str, faults: Faults) -> None:
    assert parse(text) == faults


@pytest.mark.parametrize(
    "text",
    [
        "sleep-1",
        "status",
        "status-200",
        "status-600",
        "status-x",
        "delay--1",
        "delay-1-retry-1",
        "delay-999999999",
        "events-0",
        "hang-1",
        "cut-٣",
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownFault, match=text):
        parse(f"nousage+{text}")


def test_of_contradicting_sources_the_later_counts_and_the_others_add_up() -> None:
    assert parse("delay-1+cut-2", "delay-3", "") == Faults(delay_ms=3, cut_after=2)


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("simulate-drip-50+cut-4", "drip-50+cut-4"),
        ("openai/simulate-hang", "hang"),
        ("simulated-small", ""),
        ("gpt-simulate-hang", ""),
    ],
)
def test_a_model_asks_for_faults_by_its_name(model: str, asked: str) -> None:
    assert asked_by_model(model) == asked
