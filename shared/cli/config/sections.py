"""What a configuration file can hold: each section with the service that lists and changes it.

An entry has the fields that the admin API takes to create such a thing, under the same names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from msgspec import UNSET

from shared.auth.tokens import ChangeToken, CreateToken, Tokens
from shared.catalog import level_checks, provider_changes
from shared.catalog.aliases import AliasRow, AliasTarget, ChangeAlias, ModelAliases, NewAlias
from shared.catalog.level_changes import Levels
from shared.catalog.level_checks import ChangeLevel, NewLevel
from shared.catalog.model_changes import ChangeModel, Models, NewModel, NewPrice
from shared.catalog.models import ModelRow
from shared.catalog.provider_changes import ChangeProvider, NewProvider
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import ChangeRule, NewRule
from shared.catalog.rules import RuleRow
from shared.db.access_tokens import TokenRow
from shared.db.audit import Actor
from shared.db.connections import Connects
from shared.limits.changes import ChangeLimit, LimitChanges, NewLimit
from shared.pricing.price import parse_price
from shared.upstream.provider_admin import providers_over

Fields = dict[str, Any]


def _as_written(fields: Fields) -> Fields:
    return fields


def _as_it_is(name: str, value: Any) -> Any:
    del name
    return value


async def _already(fields: Fields) -> Fields:
    return fields


@dataclass(frozen=True)
class Section:
    """`identity`: the fields that tell one entry from another. What they do not tell apart, where
    `repeats`, is told apart by its place.

    `fields_of` gives a row as an entry would have it; `id_of` what the service calls it by.
    `read` gives the numbers among an entry's text that its type does not tell from text.
    `compared` gives a field's value in the one form of all that mean the same, `resolved` the
    fields with names in full. Without the `needed` ones it could not be found again.
    """

    name: str
    identity: tuple[str, ...]
    new: type[Any]
    changed: type[Any]
    list: Callable[[], Awaitable[Sequence[Any]]]
    create: Callable[[Any, Actor], Awaitable[Any]]
    change: Callable[[Any, Any, Actor], Awaitable[Any]]
    remove: Callable[[Any, Actor], Awaitable[Any]]
    id_of: Callable[[Any], Any]
    fields_of: Callable[[Any], Fields]
    read: Callable[[Fields], Fields] = _as_written
    compared: Callable[[str, Any], Any] = _as_it_is
    resolved: Callable[[Fields], Awaitable[Fields]] = _already
    needed: tuple[str, ...] = ()
    repeats: bool = False
    never_written: frozenset[str] = frozenset()

    def identity_of(self, fields: Fields) -> tuple[Any, ...]:
        """Absent fields count as their defaults."""
        return tuple(fields.get(name, self._default(name)) for name in self.identity)

    def entry_of(self, row: Any) -> Fields:
        """`fields_of`, with null for the empty text of older tables, which no entry may have."""
        return {name: None if value == "" else value for name, value in self.fields_of(row).items()}

    def label(self, fields: Fields) -> str:
        """How an operator is told which one is meant."""
        said = [fields.get(name) for name in self.identity]
        return "/".join(str(one) for one in said if one is not None and not isinstance(one, bool))

    @property
    def written(self) -> list[str]:
        """The fields of an entry in the order they are written."""
        changeable = (one for one in self.new.__struct_fields__ if one not in self.never_written)
        names = dict.fromkeys((*self.identity, *changeable))
        return [name for name in names if name in self.new.__struct_fields__]

    def _default(self, name: str) -> Any:
        for one in msgspec.structs.fields(self.new):
            if one.name == name and one.default is not msgspec.NODEFAULT:
                return None if one.default is UNSET else one.default
        return None


def sections_over(database: Connects) -> list[Section]:
    """In the order in which one builds on another: a rule names a model, a model its level."""
    providers, models = providers_over(database), Models(database)
    levels, aliases, rules = Levels(database), ModelAliases(database), Rules(database)
    limits, tokens = LimitChanges(database), Tokens(database)

    async def valid_tokens() -> list[TokenRow]:
        rows = await tokens.page(0, None, None)
        return [row for row in rows if row.revoked_at is None and row.rotated_to is None]

    async def with_full_name(fields: Fields) -> Fields:
        """A rule's model as the table of rules shows it, if only one provider has it."""
        named = fields["model"]
        found = [row for row in await models.list() if row.model_id == named]
        if len(found) != 1:
            return fields
        return fields | {"model": f"{found[0].provider}/{named}"}

    return [
        _section("levels", ("name",), NewLevel, ChangeLevel, levels)(
            id_of=_get("name"), never_written=frozenset(level_checks.NOT_USED)
        ),
        _section("providers", ("provider",), NewProvider, ChangeProvider, providers)(
            id_of=_get("provider"),
            compared=_compared_url,
            never_written=frozenset(provider_changes.NOT_USED),
        ),
        _section("models", ("provider", "model_id"), NewModel, ChangeModel, models)(
            read=_read_price, fields_of=_fields_of_model, compared=_compared_price
        ),
        _section("aliases", ("name",), NewAlias, ChangeAlias, aliases)(
            id_of=_get("name"), fields_of=_fields_of_alias, compared=_compared_targets
        ),
        _section("rules", _RULE, NewRule, ChangeRule, rules)(
            fields_of=_fields_of_rule, resolved=with_full_name, repeats=True
        ),
        _section("limits", ("scope", "subject"), NewLimit, ChangeLimit, limits)(),
        _section("tokens", ("user_id", "name"), CreateToken, ChangeToken, tokens)(
            list=valid_tokens,
            remove=tokens.revoke,
            compared=_compared_names,
            needed=("name",),
            repeats=True,
        ),
    ]


_RULE = (
    *("power_level", "model", "user_tier", "task_type", "min_tokens", "max_tokens"),
    *("requires_byok", "is_fallback"),
)
"""By which `check_no_twin` says that two rules are one."""


def _section(
    name: str, identity: tuple[str, ...], new: type[Any], changed: type[Any], service: Any
) -> Callable[..., Section]:
    """The section of a service whose deeds have the usual names."""

    def made(**more: Any) -> Section:
        usual: dict[str, Any] = {
            "create": service.create,
            "change": service.change,
            "id_of": _get("id"),
            "fields_of": msgspec.structs.asdict,
        }
        if "list" not in more:
            usual |= {"list": service.list, "remove": service.delete}
        return Section(name, identity, new, changed, **{**usual, **more})

    return made


def _get(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name)


def _fields_of_model(row: ModelRow) -> Fields:
    fields = msgspec.structs.asdict(row)
    price = row.price
    if price is None:
        return fields | {"price": UNSET}
    return fields | {"price": {"tiers": price.prices["tiers"], "source": price.source}}


def _fields_of_alias(row: AliasRow) -> Fields:
    target = _compared_targets("target", row.targets)
    return {"name": row.name, "target": target, "is_active": row.is_active}


def _fields_of_rule(row: RuleRow) -> Fields:
    return msgspec.structs.asdict(row) | {"model": f"{row.provider}/{row.model}"}


def _read_price(fields: Fields) -> Fields:
    """What is no price stays as it is: the service says what is wrong with it."""
    price: Any = fields.get("price")
    tiers: Any = cast(Fields, price).get("tiers") if isinstance(price, dict) else None
    if not isinstance(tiers, list):
        return fields
    read = [_read_tier(one) for one in cast(list[Any], tiers)]
    return fields | {"price": cast(Fields, price) | {"tiers": read}}


def _read_tier(tier: Any) -> Any:
    if not isinstance(tier, dict):
        return tier
    fields = cast(Fields, tier)
    start = str(fields.get("start_tokens"))
    return fields | {"start_tokens": int(start)} if start.isdecimal() else fields


def _compared_price(name: str, value: Any) -> Any:
    """By its amounts: where it was read is no reason for a new version."""
    if name != "price" or value is UNSET:
        return value
    tiers = value.tiers if isinstance(value, NewPrice) else value["tiers"]
    try:
        return parse_price(
            0, {"tiers": [{"cached": None, "cache_write": None} | one for one in tiers]}
        )
    except ValueError:
        return value  # the service says what is wrong with it


def _compared_targets(name: str, value: Any) -> Any:
    if name != "target" or isinstance(value, str):
        return value
    only: AliasTarget | None = value[0] if len(value) == 1 else None
    return only.target if only is not None and only.weight == 1 else value


def _compared_url(name: str, value: Any) -> Any:
    return value.rstrip("/") if name == "base_url" else value


def _compared_names(name: str, value: Any) -> Any:
    """In whatever order they are written."""
    return sorted(value) if name in ("scopes", "allowed_models") and value else value
