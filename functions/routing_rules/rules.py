"""An admin's changes of rules and power levels: checked, written and audited in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import psycopg

from functions.routing_rules import checks
from functions.routing_rules.requests import ChangeLevel, ChangeRule, NewLevel, NewRule
from shared.catalog import rules as rows
from shared.catalog.rules import LevelRow, RuleRow, RulesModel
from shared.catalog.watch import SnapshotKeeper
from shared.db.audit import Actor, append_audit
from shared.db.connect import Database
from shared.errors import Conflict, InvalidField, NotFound
from shared.resources import opener

Connection = psycopg.AsyncConnection[Any]


class Rules:
    """The two tables, as an admin changes them. What is changed is in force everywhere in 2 s."""

    def __init__(self, database: Database, keeper: SnapshotKeeper) -> None:
        self._database = database
        self._keeper = keeper

    async def list(self) -> list[RuleRow]:
        async with self._database.connection() as connection:
            return await rows.list_rules(connection)

    async def find(self, rule_id: int) -> RuleRow:
        async with self._database.connection() as connection:
            return await _found(connection, rule_id)

    async def create(self, rule: NewRule, actor: Actor) -> RuleRow:
        """Raises InvalidField, which says what is wrong with it."""
        async with self._database.connection() as connection, connection.transaction():
            model = await _checked(connection, rule, None)
            rule_id = await rows.insert_rule(connection, _columns(rule, model))
            await _audit(connection, actor, "routing_rule.created", rule_id, rule)
            return await _found(connection, rule_id)

    async def change(self, rule_id: int, change: ChangeRule, actor: Actor) -> RuleRow:
        """Raises NotFound, or InvalidField where the rule as changed would be wrong."""
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, rule_id)
            fields = checks.changed(change)
            rule = msgspec.structs.replace(checks.rule_of(before), **fields)
            model = await _checked(connection, rule, rule_id)
            await rows.update_rule(connection, rule_id, _columns(rule, model))
            await _audit(connection, actor, "routing_rule.changed", rule_id, fields)
            return await _found(connection, rule_id)

    async def delete(self, rule_id: int, actor: Actor) -> None:
        async with self._database.connection() as connection, connection.transaction():
            before = await _found(connection, rule_id)
            await rows.delete_rule(connection, rule_id)
            await _audit(connection, actor, "routing_rule.deleted", rule_id, checks.rule_of(before))

    async def levels(self) -> list[LevelRow]:
        async with self._database.connection() as connection:
            return await rows.list_levels(connection)

    async def find_level(self, name: str) -> LevelRow:
        return _of_name(await self.levels(), name)

    async def create_level(self, level: NewLevel, actor: Actor) -> LevelRow:
        async with self._database.connection() as connection, connection.transaction():
            others = await rows.list_levels(connection)
            checks.check_level(level, others, self._keeper.snapshot, is_new=True)
            await rows.insert_level(connection, msgspec.structs.asdict(level))
            await _audit(connection, actor, "power_level.created", level.name, level)
            return _of_name(await rows.list_levels(connection), level.name)

    async def change_level(self, name: str, change: ChangeLevel, actor: Actor) -> LevelRow:
        async with self._database.connection() as connection, connection.transaction():
            before = await rows.list_levels(connection)
            fields = checks.changed(change)
            level = msgspec.structs.replace(checks.level_of(_of_name(before, name)), **fields)
            others = [one for one in before if one.name != name]
            checks.check_level(level, others, self._keeper.snapshot, is_new=False)
            await rows.update_level(connection, name, fields)
            await _audit(connection, actor, "power_level.changed", name, fields)
            return _of_name(await rows.list_levels(connection), name)

    async def delete_level(self, name: str, actor: Actor) -> None:
        """Raises Conflict while a rule or a model names the level, or it is the last."""
        async with self._database.connection() as connection, connection.transaction():
            levels = await rows.list_levels(connection)
            level = _of_name(levels, name)
            rules, models = await rows.users_of_level(connection, name)
            if rules or models or len(levels) == 1:
                raise Conflict(
                    f"Power level '{name}' is in use by {rules} rules and {models} models; give"
                    " them another first. One level must be left.",
                    param="name",
                    code="power_level_in_use",
                )
            await rows.delete_level(connection, name)
            await _audit(connection, actor, "power_level.deleted", name, checks.level_of(level))


@opener
async def open_rules(database: Database, keeper: SnapshotKeeper) -> AsyncGenerator[Rules]:
    yield Rules(database, keeper)


async def _found(connection: Connection, rule_id: int) -> RuleRow:
    row = await rows.find_rule(connection, rule_id)
    if row is None:
        raise NotFound(f"There is no routing rule {rule_id}.")
    return row


def _of_name(levels: list[LevelRow], name: str) -> LevelRow:
    level = next((one for one in levels if one.name == name), None)
    if level is None:
        raise NotFound(f"There is no power level '{name[:100]}'.")
    return level


async def _checked(connection: Connection, rule: NewRule, rule_id: int | None) -> RulesModel:
    """The model that a rule names, once the rule is found to make sense."""
    models = await rows.find_rules_models(connection, rule.model)
    if not models:
        raise InvalidField(
            f"The model '{rule.model[:100]}' is not listed; GET /v1/models lists those that are.",
            param="model",
            code="model_not_found",
        )
    if len(models) > 1:
        names = ", ".join(f"{one.provider}/{one.model}" for one in models)
        raise InvalidField(f"Several providers have it; name one: {names}.", param="model")
    levels = await rows.list_levels(connection)
    checks.check_rule(rule, models[0], [one.name for one in levels])
    others = [one for one in await rows.list_rules(connection) if one.id != rule_id]
    checks.check_no_twin(rule, models[0], others)
    return models[0]


def _columns(rule: NewRule, model: RulesModel) -> dict[str, Any]:
    fields = msgspec.structs.asdict(rule)
    del fields["model"]
    return {"model_id": model.id, **fields}


async def _audit(
    connection: Connection, actor: Actor, action: str, target: int | str, what: object
) -> None:
    """The trail keeps what was set, as JSON."""
    kind = action.partition(".")[0]
    details = msgspec.to_builtins(what)
    await append_audit(connection, actor, action, kind, target, details=details)
