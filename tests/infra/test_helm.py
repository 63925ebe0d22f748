"""infra/helm, rendered by Helm's own library and held to Kubernetes' schemas."""

from __future__ import annotations

from functools import cache
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from shared.cli.deployables import Route
from tests.infra.deployed import (
    INFRA,
    commands,
    deployed,
    difference,
    processes,
    settings_of,
    web,
    web_alone,
)

CHART = INFRA / "helm"
KUBERNETES = "1.33"


@cache
def values() -> dict[str, Any]:
    return yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))


def render(**changed: Any) -> list[dict[str, Any]]:
    """The objects with every function enabled, beside what is changed."""
    every = {name: {"enabled": True} for name in values()["functions"]}
    with helm_python.Chart.load(CHART) as chart:
        texts = chart.render({"functions": every, **changed}, name="sw", namespace="prod")
    documents = [one for text in texts.values() for one in yaml.safe_load_all(text)]
    return [one for one in documents if one is not None]


@cache
def every() -> list[dict[str, Any]]:
    return render(ingress={"enabled": True, "host": "llm.example.org"})


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Objects by the name of their function."""
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"].replace("-", "_"): one
        for one in every()
        if one["kind"] == kind
    }


def pods() -> dict[str, dict[str, Any]]:
    found = {**of_kind("Deployment"), **of_kind("Job")}
    return {name: one["spec"]["template"]["spec"] for name, one in found.items()}


def test_the_chart_passes_helms_own_lint() -> None:
    found = helm_python.lint(CHART, strict=True)
    assert found["errors"] == []
    assert [one for one in found["messages"] if one["severity"] > 1] == []


def test_every_object_fits_the_schemas_of_kubernetes() -> None:
    kinds = {one["kind"] for one in every()}
    assert kinds == {
        *("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"),
        *("Job", "Ingress"),
    }
    for one in every():
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", processes())
def test_every_process_is_in_the_chart_with_exactly_its_settings(name: str) -> None:
    assert name in pods(), f"add {name} to `functions` of infra/helm/values.yaml, like models"
    (container,) = pods()[name]["containers"]
    given = {one["name"] for one in container["env"]}
    assert given == settings_of(name), difference(given, name, "infra/helm/values.yaml")
    assert container["image"] == f"switchyard/{name.replace('_', '-')}:0.1.0"


@pytest.mark.parametrize("name", processes())
def test_a_pod_is_confined(name: str) -> None:
    (container,) = pods()[name]["containers"]
    confined = container["securityContext"]
    assert confined["readOnlyRootFilesystem"] is confined["runAsNonRoot"] is True
    assert confined["runAsUser"] == 10001
    assert confined["allowPrivilegeEscalation"] is False
    assert pods()[name]["automountServiceAccountToken"] is False


def test_web_processes_have_probes_a_service_and_time_to_end() -> None:
    assert of_kind("Service").keys() == set(web())
    for name in web():
        pod = pods()[name]
        (container,) = pod["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        drain_s, graceful_s, last_ship_s = 2, 23, 5
        ends_s = drain_s + graceful_s + last_ship_s
        assert (
            ends_s + container["lifecycle"]["preStop"]["sleep"]["seconds"]
            < pod["terminationGracePeriodSeconds"]
        )


def test_every_deployment_has_a_disruption_budget_and_a_count_or_a_scaler() -> None:
    deployments = of_kind("Deployment")
    assert deployments.keys() == deployed().keys()
    assert of_kind("PodDisruptionBudget").keys() == deployments.keys()
    scaled = of_kind("HorizontalPodAutoscaler").keys()
    assert {name for name, one in deployments.items() if "replicas" in one["spec"]} == (
        deployments.keys() - scaled
    )
    assert "gateway" in scaled


def test_by_default_the_gateway_a_worker_and_a_clock_run() -> None:
    enabled = {name for name, one in values()["functions"].items() if one["enabled"]}
    assert enabled == {"gateway", "worker", "clock"}


def owner(path: str) -> str:
    """The function whose longest prefix this path has, element by element, as Kubernetes finds."""
    prefixes = {
        prefix: name
        for name in web_alone()
        for prefix in values()["functions"][name]["paths"]
        if path == prefix or path.startswith(prefix + "/")
    }
    return prefixes[max(prefixes, key=len)] if prefixes else "nobody"


@pytest.mark.parametrize("name", web_alone())
def test_the_ingress_leads_each_route_to_its_function(name: str) -> None:
    def leads_astray(route: Route) -> bool:
        return owner(route.path) != name

    astray = [route for route in deployed()[name].routes if leads_astray(route)]
    assert astray == [], f"give {name} in infra/helm/values.yaml the paths of its routes"


def test_no_item_is_of_a_process_that_is_gone() -> None:
    assert {*values()["functions"], "release"} == commands().keys()


def test_an_unknown_group_of_settings_is_refused_by_name() -> None:
    changed = {"models": {"enabled": True, "settings": ["nope"]}}
    with pytest.raises(helm_python.HelmError, match="no group of settings nope"):
        render(functions=changed)


def test_the_operators_prometheus_finds_every_web_process_and_has_a_token() -> None:
    objects = render(monitoring={"enabled": True, "labels": {"release": "prometheus"}})
    (monitor,) = [one for one in objects if one["kind"] == "ServiceMonitor"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"]["credentials"] == {
        "name": "switchyard",
        "key": "METRICS_TOKEN",
    }
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    services = [one for one in objects if one["kind"] == "Service"]
    assert len(services) == len(web())
    for service in services:
        assert selected <= service["metadata"]["labels"].items()
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
