"""What an admin's changes to models, providers, rules and levels have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Connection
from shared.errors import InvalidField

TierName = Literal["free", "starter", "professional", "enterprise"]


def sent(change: msgspec.Struct, *, besides: Collection[str] = ()) -> dict[str, Any]:
    """The fields that were sent, null included, without those named in `besides`."""
    return {
        name: value
        for name in change.__struct_fields__
        if name not in besides and (value := getattr(change, name)) is not UNSET
    }


def refuse_unused(
    unused: Mapping[str, object], wanted: Mapping[str, Any], held: msgspec.Struct | None = None
) -> None:
    """Refuse to set what nothing reads yet, so that no admin relies on it.

    `unused` has the names and what a new row holds; `held` is the row as it is. Null, and the
    value that is there already, pass: what a GET answered can be sent back.

    Raises InvalidField (`setting_not_used`).
    """
    for name, default in unused.items():
        value = wanted.get(name)
        present = default if held is None else getattr(held, name)
        if value is not None and value != present:
            raise InvalidField(
                f"'{name}' is not used yet, so it cannot be set."
                f" Leave it out, or send {msgspec.json.encode(present).decode()}.",
                param=name,
                code="setting_not_used",
            )


async def audit(
    connection: Connection,
    actor: Actor,
    action: Action,
    target: int | str,
    details: object = None,
) -> None:
    """Note a change in its own transaction; `details`, as JSON, are what was set."""
    kind = action.partition(".")[0]
    await append_audit(
        connection, actor, action, kind, target, details=msgspec.to_builtins(details)
    )
