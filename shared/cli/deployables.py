"""What can be deployed, and what it needs: each function alone, or a process that runs several."""

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

# Settings of the environment a process runs in; a function has no say in them.
_OF_EVERY_PROCESS = (LogSettings,)
_OF_EVERY_WEB_PROCESS = (WebSettings, DrainSettings, MetricsSettings)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(msgspec.Struct, frozen=True):
    method: str
    path: str


class ScheduledJob(msgspec.Struct, frozen=True):
    """`schedule` as EventBridge writes it; None for a job that only runs from a queue."""

    name: str
    schedule: str | None


class _Needs(TypedDict):
    settings: tuple[str, ...]
    required: tuple[str, ...]
    place: tuple[str, ...]


class Deployable(msgspec.Struct, frozen=True):
    """A function or process. It reads `settings`, and does not start without those in `required`.

    `place` names the settings that every process of its kind has: address, log, metrics.
    `module` is what the process imports. `problem` says why the rest is empty: a dependency is not
    installed.
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
    """Every function in order of name, then the three processes that run several of them."""
    found: list[Deployable] = []
    bills: list[Function] = []
    for name in function_names():
        if name == CLOCK:
            continue  # a process of its own kind: see _clock
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
        # The broker needs Redis, whether or not a job does.
        **_settings([RedisSettings, *(g for bill in bills for g in bill.settings)], ()),
    )


def _clock() -> Deployable:
    try:
        module, bill = module_of(CLOCK, "main"), bill_of_materials(CLOCK)
    except ModuleNotFoundError as error:
        return Deployable(CLOCK, (), problem=f"{error}: pip install '.[{CLOCK}]'")
    return Deployable(
        CLOCK,
        ("schedule",),
        jobs=tuple(ScheduledJob(job.name, job.rate) for job in bill.jobs),
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
    """Variables by kind, without those of the try-out, which only `switchyard up` sets."""
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
