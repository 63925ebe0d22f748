from __future__ import annotations

from shared.log import Outages, one_line


def test_an_outage_is_news_at_its_start_at_another_reason_and_at_its_end() -> None:
    outages = Outages()
    assert outages.ends("ship") is False
    assert [outages.begins("ship", "away"), outages.begins("ship", "away")] == [True, False]
    assert outages.begins("ship", "full") is True
    assert outages.reason("ship") == "full"
    assert [outages.ends("ship"), outages.ends("ship")] == [True, False]
    assert outages.reason("ship") is None


def test_one_step_that_fails_says_nothing_of_another() -> None:
    outages = Outages()
    outages.begins("ship")
    assert "sync" not in outages
    assert outages.begins("sync") is True
    assert sorted(outages) == ["ship", "sync"]


def test_an_error_is_one_line_and_named() -> None:
    assert one_line(OSError("away\nfor long")) == "OSError: away"
    assert one_line(TimeoutError()) == "TimeoutError: "
