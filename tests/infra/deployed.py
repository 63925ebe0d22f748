"""What the manifests in infra/ are held to: each function, and the processes that run several."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from shared.cli.deployables import Deployable, deployables
from shared.cli.running.procfile import parse_procfile
from shared.folders import bill_of_materials
from tests.architecture.tree import ROOT

INFRA = ROOT / "infra"


@cache
def deployed() -> dict[str, Deployable]:
    """By name. What cannot be imported here fails the tests: all extras are installed."""
    found = {one.name: one for one in deployables()}
    problems = [one.problem for one in found.values() if one.problem]
    assert problems == []
    return found


def web() -> list[str]:
    return [name for name, one in deployed().items() if "http" in one.triggers]


def web_alone() -> list[str]:
    """The HTTP functions without the gateway, which is their sum."""
    return [name for name in web() if name != "gateway"]


def single() -> list[str]:
    """The functions proper, without the three processes that run several."""
    return [name for name in deployed() if name not in {"gateway", "worker", "clock"}]


def lambdas() -> list[str]:
    """What runs on AWS: the functions, and what the clock does itself."""
    return [*single(), "clock"]


@cache
def commands() -> dict[str, str]:
    """infra/Procfile's command of each process type."""
    text = (INFRA / "Procfile").read_text("utf-8")
    return {one.name: one.command for one in parse_procfile(text)}


def expected_command(name: str) -> str:
    """A function's line, in the form of the top Procfile's."""
    top = {one.name: one.command for one in parse_procfile((ROOT / "Procfile").read_text("utf-8"))}
    if name in web():
        return top["web"].replace("functions.gateway.app:app", f"functions.{name}.app:app")
    if name in single():
        return f"env SWITCHYARD_FUNCTION={name} {top['worker']}"
    return top[name]


def settings_of(name: str) -> set[str]:
    """What a manifest gives this process type, and no more than that."""
    return {"DATABASE_URL"} if name == "release" else set(deployed()[name].settings)


def processes() -> list[str]:
    """Every process type of infra/Procfile that there is to be."""
    return [*deployed(), "release"]


def settings_of_lambda(name: str) -> set[str]:
    """The same on AWS, where the clock enqueues nothing."""
    if name != "clock":
        return settings_of(name)
    groups = bill_of_materials(name).settings
    return {field.alias or key for group in groups for key, field in group.model_fields.items()}


def difference(
    given: set[str], name: str, where: str, settings: Callable[[str], set[str]] = settings_of
) -> str:
    """What to change, for the message of a test that fails."""
    wanted = settings(name)
    more, less = sorted(wanted - given), sorted(given - wanted)
    return f"{where}, {name}: add {more or 'nothing'}, take away {less or 'nothing'}"
