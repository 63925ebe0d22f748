"""An admin's changes to routing rules: checked, written and audited in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from shared.catalog import rules
from shared.catalog.changes import audit, sent
from shared.catalog.levels import list_levels
from shared.catalog.read import rule_of
from shared.catalog.rule_checks import ChangeRule, NewRule, check_no_twin, check_rule
from shared.catalog.rules import RuleRow, RulesModel
from shared.db.audit import Action, Actor
from shared.db.connect import Connection, Database
from shared.db.connections import Connects
from shared.errors import Conflict, InvalidField, NotFound
from shared.resources import opener
from shared.routing.snapshot import DRAFT, Snapshot, with_rule


class Rules:
    """llm_routing_rules as an admin reads and changes it. A change is in force within 2 s."""

    def __init__(self, database: Connects) -> None:
        self._database = database

    async def list(self) -> list[RuleRow]:
        """Every rule in the order it is tried."""
        async with self._database.connection() as connection:
            return await rules.list_rules(connection)

    async def find(self, rule_id: int) -> RuleRow:
        """Raises NotFound."""
        async with self._database.connection() as connection:
            return await _found(connection, rule_id)

    async def create(self, new: NewRule, actor: Actor) -> RuleRow:
        """Raises InvalidField, which says what is wrong with it; Conflict for a twin."""
        async with self._database.connection() as connection, connection.transaction():
            model = await _checked(connection, new, None)
            rule_id = await rules.insert_rule(connection, _columns(new, model))
            await audit(connection, actor, Action.ROUTING_RULE_CREATED, rule_id, new)
            return await _found(connection, rule_id)

    async def change(self, rule_id: int, change: ChangeRule, actor: Actor) -> RuleRow:
        """Raises NotFound; InvalidField or Conflict where the rule as changed would be wrong."""
        fields = sent(change)
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, rule_id)
            rule = msgspec.structs.replace(_as_sent(before), **fields)
            model = await _checked(connection, rule, rule_id)
            await rules.update_rule(connection, rule_id, _columns(rule, model))
            await audit(connection, actor, Action.ROUTING_RULE_CHANGED, rule_id, fields)
            return await _found(connection, rule_id)

    async def draft(self, new: NewRule, snapshot: Snapshot) -> Snapshot:
        """`snapshot` as it would be with the rule, whose id is DRAFT there; nothing is written.

        Raises what `create` does, and Conflict for a model that is too new for `snapshot`.
        """
        async with self._database.connection() as connection:
            named = await _checked(connection, new, None)
        model = next((one for one in snapshot.models if one.id == named.id), None)
        if model is None:
            raise Conflict(
                f"{named.provider}/{named.model} was added just now; try again in 2 s.",
                param="model",
            )
        if not new.is_active:
            return snapshot
        return with_rule(snapshot, rule_of({"id": DRAFT, **_columns(new, named)}, model))

    async def delete(self, rule_id: int, actor: Actor) -> None:
        """Raises NotFound."""
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, rule_id)
            await rules.delete_rule(connection, rule_id)
            await audit(connection, actor, Action.ROUTING_RULE_DELETED, rule_id, _as_sent(before))


@opener
async def open_rules(database: Database) -> AsyncGenerator[Rules]:
    yield Rules(database)


async def _found(connection: Connection, rule_id: int) -> RuleRow:
    row = await rules.find_rule(connection, rule_id)
    if row is None:
        raise NotFound(f"There is no routing rule {rule_id}.")
    return row


async def _checked(connection: Connection, rule: NewRule, rule_id: int | None) -> RulesModel:
    """The model that a rule names, once the rule is found to make sense."""
    models = await rules.find_rules_models(connection, rule.model)
    if not models:
        raise InvalidField(
            f"The model '{rule.model[:100]}' is not listed; GET /v1/models lists those that are.",
            param="model",
            code="model_not_found",
        )
    if len(models) > 1:
        names = ", ".join(f"{model.provider}/{model.model}" for model in models)
        raise InvalidField(f"Several providers have it; name one: {names}.", param="model")
    check_rule(rule, models[0], [level.name for level in await list_levels(connection)])
    others = [row for row in await rules.list_rules(connection) if row.id != rule_id]
    check_no_twin(rule, models[0], others)
    return models[0]


def _as_sent(row: RuleRow) -> NewRule:
    """A stored rule as if it were sent: what a change is applied to."""
    fields = {name: getattr(row, name) for name in NewRule.__struct_fields__ if name != "model"}
    return NewRule(model=f"{row.provider}/{row.model}", **fields)


def _columns(rule: NewRule, model: RulesModel) -> dict[str, Any]:
    fields = msgspec.structs.asdict(rule)
    del fields["model"]
    return {"model_id": model.id, **fields}
