"""Whether a token's list of allowed models makes sense, before it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.catalog.read import read_snapshot
from shared.db.connections import Connects
from shared.errors import InvalidField
from shared.routing.aliases import STAR
from shared.routing.fit import RoutingRequest
from shared.routing.levels import AUTO
from shared.routing.names import find_models, named_provider
from shared.routing.snapshot import Snapshot, Tier
from shared.routing.unserved import near_names

_VISIBLE = re.compile(r"[!-~]{1,200}")


async def check_allowed(database: Connects, allowed: Iterable[str] | None) -> None:
    """Each is what a caller may send as `model`, or a pattern with one `*`.

    Raises InvalidField for what could allow nothing.
    """
    names: list[str] = []
    for name in allowed or ():
        if _VISIBLE.fullmatch(name) is None:
            raise _refused(f"{name!r} is not the name of a model: use visible ASCII.")
        if name.count(STAR) > 1:
            raise _refused(f"'{name}' can have one '*' at most.")
        if STAR not in name:
            names.append(name)
    if not names:
        return
    async with database.connection() as connection:
        snapshot = await read_snapshot(connection)
    for name in names:
        if not _is_known(snapshot, name):
            near = near_names(snapshot, name, _of_everybody(snapshot))
            what = f"did you mean {' or '.join(near)}?" if near else "name it as provider/model."
            raise _refused(f"There is no model '{name}'; {what}", code="model_not_found")


def _is_known(snapshot: Snapshot, name: str) -> bool:
    return (
        name == AUTO
        or name in snapshot.levels_by_name
        or snapshot.aliases.meaning(name, "") is not None
        or bool(find_models(snapshot, name))
        # A provider may have any model tomorrow.
        or named_provider(snapshot, name)[0] is not None
        or any(snapshot.open_catalog.find(one, name) for one in snapshot.providers)
    )


def _of_everybody(snapshot: Snapshot) -> RoutingRequest:
    every = frozenset(one.slug for one in snapshot.providers)
    return RoutingRequest((), None, Tier.ENTERPRISE, every)


def _refused(message: str, code: str = "invalid_value") -> InvalidField:
    return InvalidField(message, param="allowed_models", code=code)
