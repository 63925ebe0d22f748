"""A user sees their own rows and sums and nobody else's; an admin sees all; money is exact."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fakes.usage_history import ANNAS, ORPHAN, OTHERS, Get

LONG_AGO = {"start": "2024-02-01", "end": "2024-04-01"}


def exact(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def test_pages_hold_each_row_once_newest_first(get: Get) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = exact(get("anna", limit="7", cursor=cursor))
        assert page["object"] == "list"
        seen += [row["request_id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["data"]) == 7
    assert seen == [record.request_id for record in reversed(ANNAS)]


def test_a_row_is_shown_with_exact_money_and_without_address_or_agent(get: Get) -> None:
    [row] = exact(get("anna", limit="1"))["data"]
    assert row["cost_total_usd"] == Decimal("0.0025")
    assert (row["provider"], row["model"]) == ("openai", "gpt-6.1-terra")
    assert row["adjustments_usd"] is None
    assert row["created_at"] == "2024-03-01T11:00:00Z"
    assert row["attempts"][0]["latency_ms"] == 2490
    assert not {"request_ip", "user_agent", "id"} & row.keys()


@pytest.mark.parametrize("path", ["", "/summary", "/export"])
def test_nobody_is_shown_anothers_rows(get: Get, path: str) -> None:
    mine, theirs = get("anna", path), get("bert", path)
    assert mine.status_code == theirs.status_code == 200
    for record in ANNAS:
        assert record.request_id not in theirs.text
    for record in OTHERS:
        assert record.request_id not in mine.text
    if path == "/summary":
        assert exact(mine)["total"]["requests"] == len(ANNAS)
        assert exact(theirs)["total"]["requests"] == len(OTHERS) + 1


def test_a_user_may_not_name_a_user_and_not_ask_as_an_admin(get: Get, gateway: Any) -> None:
    refused = get("anna", user="bert")
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "user"
    headers = get("anna").request.headers
    answer = httpx.get(
        f"{gateway.url}/api/v1/admin/llm/usage",
        headers={"authorization": headers["authorization"]},
        trust_env=False,
    )
    assert answer.status_code == 403


def test_an_admin_sees_all_users_or_the_one_that_is_named(get: Get) -> None:
    groups = exact(get("admin", "/summary", group_by="user", **LONG_AGO))["data"]
    assert {group["user"]: group["requests"] for group in groups} == {"anna": 60, "bert": 4}
    rows = exact(get("admin", user="bert", **LONG_AGO))["data"]
    assert [row["request_id"] for row in rows] == [
        ORPHAN.request_id,
        *(record.request_id for record in reversed(OTHERS)),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"start": "2024-02-29", "end": "2024-03-01"}, 24),
        ({"start": "2024-02-28T01:30:00+01:00", "end": "2024-02-28T02:00:00"}, 1),
        ({"provider": "openai"}, 60),
        ({"provider": "groq"}, 0),
        ({"model": "gpt-6.1-terra"}, 60),
        ({"power_level": "balanced", "key": "7"}, 60),
        ({"key": "8"}, 0),
        ({"simulated": "true"}, 0),
        ({"state": "final", "cost_quality": "measured", "billed_to": "platform"}, 60),
        ({"team": "nobody"}, 0),
    ],
)
def test_filters_narrow_what_is_listed(get: Get, query: dict[str, str], expected: int) -> None:
    assert len(exact(get("anna", limit="1000", **query))["data"]) == expected


def test_sums_of_a_group_are_those_of_its_rows(get: Get) -> None:
    answer = exact(get("anna", "/summary", group_by="day,model"))
    assert [(group["day"], group["requests"]) for group in answer["data"]] == [
        ("2024-02-28", 24),
        ("2024-02-29", 24),
        ("2024-03-01", 12),
    ]
    assert {group["model"] for group in answer["data"]} == {"gpt-6.1-terra"}
    total = answer["total"]
    assert total["total_tokens"] == sum(record.total_tokens or 0 for record in ANNAS)
    assert total["cost_usd"] == total["billed_usd"] == Decimal("0.0025") * 60


def test_what_is_not_known_is_counted_and_not_called_nothing(get: Get) -> None:
    total = exact(get("bert", "/summary", group_by="key"))["total"]
    assert total["requests"] == 4
    assert total["unpriced_requests"] == 1
    assert total["indeterminate_requests"] == 1
    assert total["simulated_requests"] == 1
    assert total["billed_usd"] == 0
    assert total["cost_usd"] == Decimal("0.005")


@pytest.mark.parametrize("group", ["day", "model", "provider", "power_level", "key", "team"])
def test_every_group_sums_to_the_same(get: Get, group: str) -> None:
    answer = exact(get("admin", "/summary", group_by=group, **LONG_AGO))
    assert answer["group_by"] == [group]
    assert answer["total"]["requests"] == 64
    assert sum(one["cost_usd"] for one in answer["data"]) == answer["total"]["cost_usd"]
    assert all(group in one or f"{group}_id" in one for one in answer["data"])


def test_an_export_holds_every_row_once_as_json_lines_and_as_csv(get: Get) -> None:
    lines = get("anna", "/export")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    rows = [json.loads(line, parse_float=Decimal) for line in lines.text.splitlines()]
    assert [row["request_id"] for row in rows] == [record.request_id for record in ANNAS]
    assert sum(row["cost_total_usd"] for row in rows) == Decimal("0.15")
    table = get("anna", "/export", format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    cells = [*csv.DictReader(io.StringIO(table.text))]
    assert [row["request_id"] for row in cells] == [row["request_id"] for row in rows]
    assert {row["cost_total_usd"] for row in cells} == {"0.0025"}


def test_a_text_that_a_spreadsheet_would_run_is_defused(get: Get) -> None:
    cells = [*csv.DictReader(io.StringIO(get("bert", "/export", format="csv").text))]
    assert "'=1+1" in {row["session_id"] for row in cells}


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("", {"limit": "0"}, "limit"),
        ("", {"limit": "1001"}, "limit"),
        ("", {"limit": "ten"}, "limit"),
        ("", {"cursor": "abc"}, "cursor"),
        ("", {"start": "yesterday"}, "start"),
        ("", {"start": "2024-03-01", "end": "2024-03-01"}, "end"),
        ("", {"key": "seven"}, "key"),
        ("", {"provder": "openai"}, "provder"),
        ("", {"simulated": "maybe"}, "simulated"),
        ("", {"model": "a\0b"}, "model"),
        ("/summary", {"group_by": "user"}, "group_by"),
        ("/summary", {"group_by": "day,day"}, "group_by"),
        ("/summary", {"state": "final"}, "state"),
        ("/summary", {"start": "2024-03-01T12:00:00"}, "start"),
        ("/export", {"format": "xlsx"}, "format"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(
    get: Get, path: str, query: dict[str, str], param: str
) -> None:
    answer = get("anna", path, **query)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"].endswith(".")
