"""What an admin may say of a rule, and whether it makes sense. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from shared.catalog.rules import RuleRow, RulesModel
from shared.errors import Conflict, InvalidField
from shared.routing.snapshot import Tier

ALL_TIERS = "all"
_TASK = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_MOST = 10**6


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`model` is a listed id or `provider/model`; `user_tier` the lowest it holds for, or `all`."""

    model: str
    power_level: str
    user_tier: str = "all"
    task_type: str | None = None
    priority: int = 0
    weight: int = 100
    min_tokens: int | None = None
    max_tokens: int | None = None
    requires_byok: bool = False
    is_fallback: bool = False
    fallback_order: int | None = None
    is_active: bool = True


class ChangeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Absent leaves a field as it is; null takes a bound away."""

    model: str | UnsetType = UNSET
    power_level: str | UnsetType = UNSET
    user_tier: str | UnsetType = UNSET
    task_type: str | UnsetType | None = UNSET
    priority: int | UnsetType = UNSET
    weight: int | UnsetType = UNSET
    min_tokens: int | UnsetType | None = UNSET
    max_tokens: int | UnsetType | None = UNSET
    requires_byok: bool | UnsetType = UNSET
    is_fallback: bool | UnsetType = UNSET
    fallback_order: int | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


def check_rule(rule: NewRule, model: RulesModel, levels: Iterable[str]) -> None:
    """Raises InvalidField for a field that is wrong, or for a rule that can never match."""
    known = list(levels)
    if rule.power_level not in known:
        raise _wrong("power_level", f"There is no such level; use one of: {', '.join(known)}.")
    tiers = [*Tier, ALL_TIERS]
    if rule.user_tier not in tiers:
        raise _wrong("user_tier", f"There is no such tier; use one of: {', '.join(tiers)}.")
    if rule.task_type is not None and not _TASK.fullmatch(rule.task_type):
        raise _wrong("task_type", "Use lowercase letters, digits, '.', '_' and '-', 63 at most.")
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
            f"This rule can never match: {model.provider} does not accept callers' own keys.",
            "rule_never_matches",
        )


def _wrong(param: str, message: str, code: str | None = None) -> InvalidField:
    return InvalidField(message, param=param, code=code)
