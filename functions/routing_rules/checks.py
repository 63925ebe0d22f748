"""Whether a rule or a power level makes sense; if not, what is wrong and with which field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from functions.routing_rules.requests import NewLevel, NewRule
from shared.catalog.rules import LevelRow, RuleRow, RulesModel
from shared.errors import Conflict, InvalidField
from shared.routing.levels import AUTO
from shared.routing.snapshot import Snapshot, Tier

ALL_TIERS = "all"
_TASK = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_LEVEL = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_MOST = 10**6
_PICO_USD_PER_TOKEN = 10**6
_FINEST_USD = Decimal("0.000001")


def check_rule(rule: NewRule, model: RulesModel, levels: Iterable[str]) -> None:
    """Raises InvalidField for a field that is wrong, or for a rule that can never match."""
    known = list(levels)
    if rule.power_level not in known:
        raise _wrong("power_level", f"There is no such level; use one of: {', '.join(known)}.")
    tiers = [*Tier, ALL_TIERS]
    if rule.user_tier not in tiers:
        raise _wrong("user_tier", f"There is no such tier; use one of: {', '.join(tiers)}.")
    if rule.task_type is not None and not _TASK.fullmatch(rule.task_type):
        raise _wrong("task_type", "Use small letters, digits, '.', '_' and '-', 63 at most.")
    for name in ("priority", "fallback_order"):
        value = getattr(rule, name)
        if value is not None and not -_MOST <= value <= _MOST:
            raise _wrong(name, f"'{name}' must be from -{_MOST} to {_MOST}.")
    if not 0 <= rule.weight <= _MOST:
        raise _wrong("weight", f"'weight' must be from 0 (last of its equals) to {_MOST}.")
    if rule.fallback_order is not None and not rule.is_fallback:
        raise _wrong("fallback_order", "Only a rule with is_fallback has a fallback_order.")
    _check_tokens(rule, model)
    if rule.is_active:
        _check_model(rule, model)


def check_no_twin(rule: NewRule, model: RulesModel, others: Iterable[RuleRow]) -> None:
    """Raises Conflict where another active rule already says the same of the same model."""
    for other in others:
        is_twin = (
            (other.provider, other.model) == (model.provider, model.model)
            and other.is_active
            and rule.is_active
            and all(
                getattr(other, name) == getattr(rule, name)
                for name in (
                    *("power_level", "user_tier", "task_type", "min_tokens", "max_tokens"),
                    *("requires_byok", "is_fallback"),
                )
            )
        )
        if is_twin:
            raise Conflict(
                f"Rule {other.id} says the same; change that one.",
                param="model",
                code="rule_exists",
            )


def check_level(
    level: NewLevel, others: Sequence[LevelRow], snapshot: Snapshot, *, is_new: bool
) -> None:
    """Raises InvalidField; `others` are the levels but this one."""
    if is_new and (level.name == AUTO or not _LEVEL.fullmatch(level.name)):
        raise _wrong("name", "Use small letters, digits, '_' and '-', not 'auto'; 31 at most.")
    if is_new and any(other.name == level.name for other in others):
        raise Conflict(
            "There is a level of that name; PATCH it.", param="name", code="power_level_exists"
        )
    if is_new and level.name in snapshot.models_by_id:
        raise _wrong("name", "A model has that name: a request could not tell them apart.")
    twin = next((other for other in others if other.rank == level.rank), None)
    if twin is not None:
        raise _wrong("rank", f"Level '{twin.name}' has that rank; ranks tell levels apart.")
    if not 0 <= level.rank <= 1000:
        raise _wrong("rank", "'rank' must be from 0 to 1000.")
    if not 1 <= level.ttft_target_ms <= 600_000:
        raise _wrong("ttft_target_ms", "'ttft_target_ms' must be from 1 to 600000.")
    if level.default_max_tokens is not None and not 1 <= level.default_max_tokens <= 10**7:
        raise _wrong("default_max_tokens", "'default_max_tokens' must be at least 1.")
    temperature = level.default_temperature
    if temperature is not None and not (temperature.is_finite() and 0 <= temperature <= 2):
        raise _wrong("default_temperature", "'default_temperature' must be from 0 to 2.")
    _check_ceiling(level.price_ceiling_usd_per_mtok, snapshot)


def _check_tokens(rule: NewRule, model: RulesModel) -> None:
    least, most = rule.min_tokens, rule.max_tokens
    for name, value in (("min_tokens", least), ("max_tokens", most)):
        if value is not None and not 0 <= value <= 10**9:
            raise _wrong(name, f"'{name}' must be from 0 to 1000000000.")
    if least is not None and most is not None and least > most:
        raise _wrong(
            "min_tokens",
            f"This rule can never match: min_tokens {least} is above max_tokens {most}.",
            "rule_never_matches",
        )
    if least is not None and model.context_window is not None and least > model.context_window:
        raise _wrong(
            "min_tokens",
            f"This rule can never match: the context window of {model.provider}/{model.model}"
            f" is {model.context_window} tokens.",
            "rule_never_matches",
        )


def _check_model(rule: NewRule, model: RulesModel) -> None:
    name = f"{model.provider}/{model.model}"
    if not (model.is_active and model.provider_is_active):
        what = name if model.provider_is_active else f"the provider of {name}"
        raise _wrong(
            "model",
            f"This rule can never match: {what} is switched off. Switch it on first, or make the"
            " rule with is_active false.",
            "rule_never_matches",
        )
    if rule.requires_byok and not model.is_byok_supported:
        raise _wrong(
            "requires_byok",
            f"This rule can never match: {model.provider} takes no keys of callers.",
            "rule_never_matches",
        )


def _check_ceiling(ceiling: Decimal, snapshot: Snapshot) -> None:
    name = "price_ceiling_usd_per_mtok"
    if not ceiling.is_finite() or not _FINEST_USD <= ceiling <= _MOST:
        raise _wrong(name, f"The ceiling must be from {_FINEST_USD:f} to {_MOST} USD.")
    priced = [one for one in snapshot.models if one.is_active and one.price is not None]
    cheapest = min(priced, key=lambda one: one.price.base.blended if one.price else 0, default=None)
    if cheapest is None or cheapest.price is None:
        return
    blended = cheapest.price.base.blended
    if ceiling * _PICO_USD_PER_TOKEN < blended:
        raise _wrong(
            name,
            f"The ceiling is under every model's price: the cheapest, {cheapest.provider.slug}/"
            f"{cheapest.model_id}, is {Decimal(blended) / _PICO_USD_PER_TOKEN:f} USD a million"
            " tokens at three parts input and one part output.",
            "ceiling_under_every_price",
        )


def _wrong(param: str, message: str, code: str | None = None) -> InvalidField:
    return InvalidField(message, param=param, code=code)


def rule_of(row: RuleRow) -> NewRule:
    """A stored rule as if it were sent: what a change is applied to."""
    fields = {name: getattr(row, name) for name in NewRule.__struct_fields__ if name != "model"}
    return NewRule(model=f"{row.provider}/{row.model}", **fields)


def level_of(row: LevelRow) -> NewLevel:
    fields = {name: getattr(row, name) for name in NewLevel.__struct_fields__}
    return NewLevel(**fields)


def changed(fields: msgspec.Struct) -> dict[str, object]:
    """The fields that were sent."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(fields).items()
        if value is not msgspec.UNSET
    }
