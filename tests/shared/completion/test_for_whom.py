"""A record says for whom a request was and what for, as its headers and its body say it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from shared import metrics
from shared.completion.admit import Admission, names_of
from shared.completion.report import Reporter
from tests.fakes.usage_records import final
from tests.shared.completion.room import Room, body_of
from tests.shared.routing import catalog

OPEN_WEBUI = "X-OpenWebUI-User-Email, X-OpenWebUI-User-Id"


def room(end_user_headers: str = "") -> Room:
    model = catalog.model(1, catalog.provider(1, "openai"), "m1", "eco", price=catalog.price(1, 4))
    this = Room(catalog.snapshot((model,), ()))
    admission: Any = this
    this.completions._admission = Admission(admission, admission, names_of(end_user_headers))
    return this


@pytest.mark.parametrize("stream", [False, True])
def test_tags_of_header_and_body_are_in_intent_and_final(stream: bool) -> None:
    this = room()
    body = body_of(model="m1", stream=stream, user="u-1", metadata={"tags": ["b", "c"]})
    asyncio.run(this.complete(body, x_tags="a,b"))
    for record in (*this.spool.intents, *this.spool.finals):
        assert (record.tags, record.end_user) == (("a", "b", "c"), "u-1")
    assert b"tags" not in this.sent[0].body


def test_a_request_without_tags_has_none() -> None:
    this = room()
    asyncio.run(this.complete(body_of(model="m1")))
    assert [one.tags for one in this.spool.finals] == [None]


def test_what_is_no_tag_is_named_and_costs_no_answer() -> None:
    this = room()
    answer = json.loads(asyncio.run(this.complete(body_of(model="m1"), x_tags="Not One,ok")))
    assert answer["_metadata"]["dropped_params"] == ["x-tags"]
    assert [one.tags for one in this.spool.finals] == [("ok",)]


@pytest.mark.parametrize(
    ("setting", "headers", "end_user"),
    [
        ("", {"x_openwebui_user_email": "a@example.org"}, "u-1"),
        (OPEN_WEBUI, {"x_openwebui_user_email": "a@example.org"}, "a@example.org"),
        (OPEN_WEBUI, {"x_openwebui_user_id": "7"}, "7"),
        (
            OPEN_WEBUI,
            {"x_openwebui_user_id": "7", "x_openwebui_user_email": "a@example.org"},
            "a@example.org",
        ),
        (OPEN_WEBUI, {}, "u-1"),
        (OPEN_WEBUI, {"x_openwebui_user_id": ""}, "u-1"),
        (OPEN_WEBUI, {"x_openwebui_user_id": "a\r\nb"}, "a\ufffd\ufffdb"),
    ],
)
def test_headers_that_the_operator_names_name_the_end_user(
    setting: str, headers: dict[str, str], end_user: str
) -> None:
    this = room(setting)
    asyncio.run(this.complete(body_of(model="m1", user="u-1"), **headers))
    assert [one.end_user for one in (*this.spool.intents, *this.spool.finals)] == [end_user] * 2


def requests_of(kind: str) -> dict[str, float]:
    name = "switchyard_subject_requests_total"
    return {
        sample.labels["subject"]: sample.value
        for metric in metrics.SUBJECT_REQUESTS.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels["kind"] == kind
    }


def test_metrics_name_no_more_than_a_hundred_of_a_kind() -> None:
    metrics.SUBJECT_REQUESTS.clear()
    finals = [final(tags=(f"t{number}", "every"), end_user="eve") for number in range(300)]

    async def report() -> None:
        reporter = Reporter()
        for one in finals:
            reporter.note("openai", "gpt-6.1-terra", False, one)
        reporter.flush()

    asyncio.run(report())
    tags = requests_of("tag")
    assert len(tags) == metrics.MAX_SUBJECTS + 1
    assert (tags["every"], tags[metrics.OTHER], sum(tags.values())) == (300, 201, 600)
    assert requests_of("end_user") == {"eve": 300}
