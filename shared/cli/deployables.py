"""What can be deployed: each folder of functions/ alone, or all in one, with what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict, cast

import msgspec

from shared.folders import bill_of_materials, function_names, module_of
from shared.function import Function, create_app
from shared.settings import (
    DrainSettings,
    LogSettings,
    MetricsSettings,
    RedisSettings,
    SettingsGroup,
    TryOutSettings,
    WebSettings,
)

GATEWAY, WORKER, CLOCK = "gateway", "worker", "clock"

# Of the place where it runs; a function does not choose among them.
_OF_EVERY_PROCESS = (LogSettings,)
_OF_EVERY_WEB_PROCESS = (WebSettings, DrainSettings, MetricsSettings)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(msgspec.Struct, frozen=True):
    method: str
    path: str


class ScheduledJob(msgspec.Struct, frozen=True):
    """`schedule` as EventBridge writes it; None: it runs from a queue alone."""

    name: str
    schedule: str | None


class _Needs(TypedDict):
    settings: tuple[str, ...]
    required: tuple[str, ...]
    place: tuple[str, ...]


class Deployable(msgspec.Struct, frozen=True):
    """`settings` it reads, of which it does not start without `required`.

    `place` are the settings of where it runs, which all of its kind have: address, log, metrics.
    `module` is what its process imports.
    `problem` says why the others are empty: what it needs is not installed.
    """

    name: str
    triggers: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    jobs: tuple[ScheduledJob, ...] = ()
    settings: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    module: str = ""
    command: str = ""
    problem: str | None = None


def deployables() -> list[Deployable]:
    """Every function by name, then the three processes that run several of them."""
    found: list[Deployable] = []
    bills: list[Function] = []
    for name in function_names():
        try:
            bill = bill_of_materials(name)
        except ModuleNotFoundError as error:
            found.append(Deployable(name, (), problem=f"{error}: pip install '.[{name}]'"))
        else:
            bills.append(bill)
            found.append(describe(bill))
    return [*found, *_processes(bills)]


def describe(bill: Function) -> Deployable:
    if bill.name in function_names("app"):
        return _web(bill.name, [bill])
    return _of_jobs(
        bill.name,
        [bill],
        module=f"functions.{bill.name}.actor",
        command=f"env SWITCHYARD_FUNCTION={bill.name} dramatiq functions.worker.main",
    )


def _processes(bills: Sequence[Function]) -> list[Deployable]:
    apps = function_names("app")
    web = [bill for bill in bills if bill.name in apps]
    with_jobs = [bill for bill in bills if bill.jobs]
    return [
        _web(GATEWAY, web),
        _of_jobs(
            WORKER,
            with_jobs,
            module="functions.worker.main",
            command="dramatiq functions.worker.main",
        ),
        _clock(),
    ]


def _web(name: str, bills: Sequence[Function]) -> Deployable:
    return Deployable(
        name,
        ("http",),
        routes=tuple(route for bill in bills for route in _routes(bill)),
        module=f"functions.{name}.app",
        command=f"uvicorn functions.{name}.app:app",
        **_settings([group for bill in bills for group in bill.settings], _OF_EVERY_WEB_PROCESS),
    )


def _of_jobs(name: str, bills: Sequence[Function], *, module: str, command: str) -> Deployable:
    jobs = tuple(ScheduledJob(job.name, job.rate) for bill in bills for job in bill.jobs)
    is_scheduled = any(job.schedule for job in jobs)
    return Deployable(
        name,
        ("queue", "schedule") if is_scheduled else ("queue",),
        jobs=jobs,
        module=module,
        command=command,
        # The broker's Redis, whatever the jobs themselves need.
        **_settings([RedisSettings, *(g for bill in bills for g in bill.settings)], ()),
    )


def _clock() -> Deployable:
    try:
        module = module_of(CLOCK, "main")
    except ModuleNotFoundError as error:
        return Deployable(CLOCK, (), problem=f"{error}: pip install '.[{CLOCK}]'")
    return Deployable(
        CLOCK,
        ("schedule",),
        module=module.__name__,
        command=f"python -m {module.__name__}",
        **_settings(cast(Sequence[type[SettingsGroup]], module.SETTINGS), ()),
    )


def _routes(bill: Function) -> list[Route]:
    paths = create_app(bill).openapi_schema.to_schema()["paths"]
    return [
        Route(method, path)
        for path, item in sorted(paths.items())
        for method in _METHODS
        if method.lower() in item
    ]


def _settings(
    groups: Iterable[type[SettingsGroup]], place: Sequence[type[SettingsGroup]]
) -> _Needs:
    """Variables by kind. Those of the try-out are left out: `switchyard up` alone sets them."""
    wanted = [group for group in dict.fromkeys(groups) if group is not TryOutSettings]
    return {
        "settings": _variables(wanted),
        "required": _variables(wanted, only_required=True),
        "place": _variables([*place, *_OF_EVERY_PROCESS]),
    }


def _variables(
    groups: Iterable[type[SettingsGroup]], *, only_required: bool = False
) -> tuple[str, ...]:
    return tuple(
        field.alias or name
        for group in groups
        for name, field in group.model_fields.items()
        if field.is_required() or not only_required
    )
