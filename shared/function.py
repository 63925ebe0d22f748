"""What a deployable function is made of, and the app that serves one, several or all of them."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp, ControllerRouterHandler

from shared.answer_errors import EXCEPTION_HANDLERS, MAX_FIELDS_BYTES, add_request_id
from shared.doors.doors import Doors, rules_of
from shared.doors.texts import refuse_unfit_text
from shared.drain import draining
from shared.log import configure_logging, get_logger
from shared.openapi.document import DESCRIPTION, DocumentConfig, in_openapi
from shared.probes import PROBES
from shared.resources import Resources, settings_of
from shared.settings import (
    DrainSettings,
    LogSettings,
    MetricsSettings,
    NetworkSettings,
    SettingsGroup,
    TryOutSettings,
    load_settings,
)

if TYPE_CHECKING:
    from shared.jobs import Job


_EVERY_APP = (DrainSettings, LogSettings, MetricsSettings, NetworkSettings, TryOutSettings)


@dataclass(frozen=True)
class Function:
    """A function's bill of materials.

    `handlers`: Litestar route handlers, each with a guard. `opens`: the types that its handlers
    ask for; what these need is opened too. `operations`: OpenAPI path items of raw ASGI handlers,
    by path, which Litestar cannot describe itself. `jobs`: what each of its actors runs, plain or
    async, for platforms that call it without Dramatiq. `reads`: the groups of settings of its jobs.
    """

    name: str
    handlers: Sequence[ControllerRouterHandler] = ()
    opens: Sequence[type[object]] = ()
    reads: Sequence[type[SettingsGroup]] = ()
    operations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    jobs: Mapping[Job, Callable[[], object]] = field(default_factory=dict["Job", Any])

    @property
    def settings(self) -> tuple[type[SettingsGroup], ...]:
        """The groups of settings that it reads, by name."""
        groups = {*self.reads, *settings_of(self.opens)}
        return tuple(sorted(groups, key=lambda group: group.__name__))


def create_app(*functions: Function, **values: Any) -> Litestar:
    """One ASGI app with the routes of all `functions`, and the probes.

    Nothing is read or opened before the app starts; then a missing setting stops it with
    SettingsInvalid. `values` stand in for environment variables (tests).
    """
    handlers = dict.fromkeys(h for function in functions for h in function.handlers)
    groups = dict.fromkeys(g for function in functions for g in function.settings)
    kinds = dict.fromkeys(kind for function in functions for kind in function.opens)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        settings = load_settings(*_EVERY_APP, *groups, **values)
        doors.rules = rules_of(settings)
        configure_logging(settings[LogSettings])
        resources = Resources(settings)
        app.state.resources = resources
        async with AsyncExitStack() as stack:
            await resources.open(kinds, stack)
            stack.enter_context(draining(resources))
            _settle_garbage_collector()
            get_logger().info("app.started", functions=[one.name for one in functions])
            yield
            resources.draining = True
            get_logger().info("app.stopping")

    app = Litestar(
        route_handlers=[*handlers, *_probes_beside(handlers)],
        lifespan=[lifespan],
        exception_handlers=EXCEPTION_HANDLERS,
        after_request=add_request_id,
        before_request=refuse_unfit_text,
        request_max_body_size=MAX_FIELDS_BYTES,
        openapi_config=DocumentConfig(
            title="Switchyard",
            version="1",
            description=DESCRIPTION,
            use_handler_docstrings=True,
            path="/openapi",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            declared={path: item for f in functions for path, item in f.operations.items()},
            functions_of={path: f.name for f in functions for path in _paths(f)},
        ),
        logging_config=None,
    )
    app.asgi_handler = doors = Doors(app.asgi_handler, _raw(handlers))
    return app


def _paths(function: Function) -> list[str]:
    """The paths of its routes, as OpenAPI writes them."""
    found = [one for one in function.handlers if isinstance(one, BaseRouteHandler)]
    return [in_openapi(path) for one in found for path in one.paths]


def _probes_beside(handlers: Iterable[ControllerRouterHandler]) -> list[ControllerRouterHandler]:
    """The probes whose paths no handler of a function has."""
    taken = {path for one in handlers for path in cast("Any", one).paths}
    return [one for one in PROBES if taken.isdisjoint(one.paths)]


def _raw(handlers: Iterable[ControllerRouterHandler]) -> dict[str, ASGIApp]:
    """The raw ASGI handlers by their paths."""
    found = [one for one in handlers if isinstance(one, ASGIRouteHandler)]
    return {path: cast("ASGIApp", one.fn) for one in found for path in one.paths}


def _settle_garbage_collector() -> None:
    """What start-up made stays; look for garbage less often.

    Took p99 at 64 connections from 40 to 10 ms in the prototypes (infra/decisions/transport.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
