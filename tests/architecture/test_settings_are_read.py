"""A setting that an admin can make is read somewhere, or refused by its name until it is."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

import msgspec
import pytest

from shared.catalog import level_checks, model_changes, provider_changes, rule_checks
from shared.routing.snapshot import Model, PowerLevel, Provider, Rule
from tests.architecture.tree import Module, modules

# The columns of what the API calls otherwise than a table.
COLUMNS_OF = {
    "provider": {"provider_slug"},
    "name": {"name", "provider_name", "model_name"},
    "min_tier": {"min_tier_required"},
}
# What a row points to, and by what the query selects.
BESIDE = {"_model": {"provider"}, "rule_of": {"model", "is_active"}}
# For people: shown to an admin, and to nobody who computes.
SHOWN = {
    *("display_name", "description", "api_key_format", "documentation_url", "pricing_url"),
    *("status_page_url", "deprecation_date", "replacement_model_id"),
}
# No columns: what to do, and the price, whose versions have a table of their own.
ASKED = {"remove_keys", "price"}
# By the function of shared/catalog/read.py that reads a row of its table.
BODIES: list[tuple[type[msgspec.Struct], str, Collection[str]]] = [
    (model_changes.NewModel, "_model", ()),
    (model_changes.ChangeModel, "_model", ()),
    (provider_changes.NewProvider, "_provider", provider_changes.NOT_USED),
    (provider_changes.ChangeProvider, "_provider", provider_changes.NOT_USED),
    (rule_checks.NewRule, "rule_of", ()),
    (rule_checks.ChangeRule, "rule_of", ()),
    (level_checks.NewLevel, "_power_level", level_checks.NOT_USED),
    (level_checks.ChangeLevel, "_power_level", level_checks.NOT_USED),
]
# Who shows a setting, writes it or reads it into the snapshot has not yet made use of it.
NO_USE = ("shared/catalog/", "shared/migrate/", "functions/routing_rules/answers.py")


def columns_read(reader: str) -> set[str]:
    """The columns that a function of read.py takes from a row."""
    [read] = [one for one in modules("shared/catalog") if one.path == "shared/catalog/read.py"]
    functions = [one for one in read.syntax.body if isinstance(one, ast.FunctionDef)]
    [function] = [one for one in functions if one.name == reader]
    return {
        node.slice.value
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }


@pytest.mark.parametrize(
    ("body", "reader", "unused"), [pytest.param(*one, id=one[0].__name__) for one in BODIES]
)
def test_each_field_is_read_shown_or_refused(
    body: type[msgspec.Struct], reader: str, unused: Collection[str]
) -> None:
    read = columns_read(reader) | BESIDE.get(reader, set())
    names = {*body.__struct_fields__} - SHOWN - ASKED
    lost = {name for name in names if not (COLUMNS_OF.get(name, set()) | {name}) & read}
    assert lost == names & {*unused}


def unread(fields: Iterable[str], among: Iterable[Module]) -> set[str]:
    used = {name.rpartition(".")[2] for module in among for name, _ in module.attributes()}
    return {*fields} - used


@pytest.mark.parametrize("kind", [Provider, Model, Rule, PowerLevel])
def test_what_the_snapshot_holds_is_used_by_who_routes_or_serves(
    kind: type[msgspec.Struct],
) -> None:
    users = [one for one in modules("functions", "shared") if not one.path.startswith(NO_USE)]
    assert unread(kind.__struct_fields__, users) == set()


def test_a_field_that_nobody_uses_is_seen() -> None:
    module = Module("shared/routing/order.py", "rank = level.rank\nttft_target_ms = 1\n")
    assert unread(["rank", "ttft_target_ms"], [module]) == {"ttft_target_ms"}
