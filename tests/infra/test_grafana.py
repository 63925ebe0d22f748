"""infra/grafana: the dashboard and the alarms ask for metrics and labels that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import shared.metrics
from tests.infra.deployed import INFRA

GRAFANA = INFRA / "grafana"
# What Prometheus adds to whatever it scrapes, and what belongs to histograms.
ADDED = {"instance", "job", "le"}
SERIES = re.compile(r"\b(switchyard_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\bby \(([^)]*)\)")


def labels_of() -> dict[str, set[str]]:
    """The labels of each series of ours, by its name in Prometheus."""
    return {
        sample: set(metric._labelnames)
        for metric in vars(shared.metrics).values()
        if isinstance(metric, MetricWrapperBase)
        for sample in REGISTRY._collector_to_names[metric]
    }


def dashboard() -> dict[str, Any]:
    return json.loads((GRAFANA / "dashboard.json").read_text("utf-8"))


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((GRAFANA / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[Any]:
    for panel in panels():
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']}, {target['refId']}")
    for alert in alerts():
        yield pytest.param(alert["expr"], id=alert["alert"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_asks_for_what_there_is(expression: str) -> None:
    known = labels_of()
    asked = SERIES.findall(expression)
    assert asked
    for name, matchers in asked:
        assert name in known
        assert set(MATCHER.findall(matchers)) <= known[name], expression
    grouped = {one.strip() for by in GROUPING.findall(expression) for one in by.split(",")}
    assert grouped <= ADDED.union(*(known[name] for name, _ in asked))


def test_every_metric_is_on_the_dashboard() -> None:
    """One that nobody looks at is not worth its memory."""
    shown = json.dumps(dashboard())
    missing = [
        metric._name
        for metric in vars(shared.metrics).values()
        if isinstance(metric, MetricWrapperBase) and metric._name not in shown
    ]
    assert missing == [], "add a panel to infra/grafana/dashboard.json"


def test_panels_have_a_title_of_their_own_a_description_and_do_not_overlap() -> None:
    found = panels()
    assert len({panel["id"] for panel in found}) == len({one["title"] for one in found})
    assert all(panel["description"] for panel in found)
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in dashboard()["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alarm_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"].keys() == {"summary", "description"}
    known = labels_of()
    used = set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))
    grouped = {one.strip() for by in GROUPING.findall(alert["expr"]) for one in by.split(",")}
    plain = set().union(*(known[name] for name, _ in SERIES.findall(alert["expr"])))
    assert used <= (grouped or plain | ADDED)
