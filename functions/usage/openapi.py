"""The parameters of the routes, which read their query strings themselves."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Schema,
)

from functions.usage.requests import FILTERS, MEDIA_TYPES
from shared.ledger.summary import GROUPS

_SAID = {
    "start": "The first moment or day (UTC), as 2026-11-25 or 2026-11-25T10:00:00Z.",
    "end": "The moment or day (UTC) before which it ends.",
    "provider": "Of one provider, by its slug.",
    "key": "Of one access token, by its id.",
    "billed_to": "`user` or `platform`: whose key was used.",
    "simulated": "`true` or `false`: simulated answers, or real ones.",
    "state": "`final`, or `indeterminate` where a process died before the answer was known.",
    "cost_quality": "How well the cost is known, such as `measured`.",
}
_FILTERS = {name: _SAID.get(name, f"Of one {name.replace('_', ' ')}.") for name in FILTERS}
_USER = {"user": "Of one user."}
_CURSOR = {"cursor": "`next_cursor` of the page before."}
_PAGE = {"limit": "Rows a page, 1 to 1000; 100 by default."}
_FORMAT = {
    "format": "`jsonl` (the default), `csv`, or `focus`: charges as FOCUS 1.2 has them, in CSV."
}
_SUMMED = {name: text for name, text in _FILTERS.items() if name not in ("state", "cost_quality")}
_GROUPS = {"group_by": f"One or more of {', '.join(GROUPS)}, with commas; `day` by default."}


_TEXT = Schema(type=OpenAPIType.STRING)


def _taking(said: dict[str, str], *media_types: str) -> type[Operation]:
    """An operation with these parameters; `media_types` of its answer, where it is not JSON."""

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            self.parameters = [
                Parameter(name, "query", description=text, schema=_TEXT)
                for name, text in said.items()
            ]
            answer = (self.responses or {}).get("200")
            if media_types and isinstance(answer, OpenAPIResponse):
                answer.content = {one: OpenAPIMediaType(schema=_TEXT) for one in media_types}

    return Taking


LIST = _taking(_FILTERS | _PAGE | _CURSOR)
SUMMARY = _taking(_SUMMED | _GROUPS)
EXPORT = _taking(_FILTERS | _FORMAT | _CURSOR, *dict.fromkeys(MEDIA_TYPES.values()))
LIST_ALL = _taking(_FILTERS | _PAGE | _CURSOR | _USER)
SUMMARY_ALL = _taking(_SUMMED | _GROUPS | _USER)
EXPORT_ALL = _taking(_FILTERS | _FORMAT | _CURSOR | _USER, *dict.fromkeys(MEDIA_TYPES.values()))
