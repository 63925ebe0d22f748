"""The parameters of the routes, which read their query strings themselves."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from shared.ledger.summary import GROUPS

_FILTERS = {
    "start": "The first moment or day (UTC), as 2026-11-25 or 2026-11-25T10:00:00Z.",
    "end": "The moment or day (UTC) before which it ends.",
    "team": "Of one team.",
    "provider": "Of one provider, by its slug.",
    "model": "Of one model.",
    "power_level": "Of one power level.",
    "key": "Of one access token, by its id.",
    "billed_to": "`user` or `platform`: whose key was used.",
    "simulated": "`true` or `false`: simulated answers, or real ones.",
    "state": "`final`, or `indeterminate` where a process died before the answer was known.",
    "cost_quality": "How well the cost is known, such as `measured`.",
}
_USER = {"user": "Of one user."}
_CURSOR = {"cursor": "`next_cursor` of the page before."}
_PAGE = {"limit": "Rows a page, 1 to 1000; 100 by default."}
_FORMAT = {"format": "`csv` (the default) or `jsonl`."}
_NOT_SUMMED = ("state", "cost_quality")


def _parameters(said: dict[str, str]) -> list[Parameter]:
    return [
        Parameter(name, "query", description=text, schema=Schema(type=OpenAPIType.STRING))
        for name, text in said.items()
    ]


@dataclass
class ListOperation(Operation):
    """A page of rows."""

    def __post_init__(self) -> None:
        self.parameters = _parameters(_FILTERS | _PAGE | _CURSOR)


@dataclass
class SummaryOperation(Operation):
    """Sums."""

    def __post_init__(self) -> None:
        groups = {"group_by": f"One or more of {', '.join(GROUPS)}, with commas; `day` by default."}
        filters = {name: text for name, text in _FILTERS.items() if name not in _NOT_SUMMED}
        self.parameters = _parameters(filters | groups)


@dataclass
class ExportOperation(Operation):
    """All rows."""

    def __post_init__(self) -> None:
        self.parameters = _parameters(_FILTERS | _FORMAT | _CURSOR)


def for_admins(operation: type[Operation]) -> type[Operation]:
    """The same for everybody's rows, of which one user's may be asked for."""

    @dataclass
    class ForAdmins(operation):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.parameters = [*(self.parameters or ()), *_parameters(_USER)]

    return ForAdmins
