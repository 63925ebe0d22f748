"""What an admin lists and changes, subject by subject: columns, fields, and the service behind.

A form is read into the body of the API's own route, and handed to the same service: a rule of the
API is a rule here, and is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from functions.console.admin.shapes import (
    alias_filled,
    alias_of,
    model_filled,
    model_of,
    price_of,
    targets_of,
)
from shared.auth.teams import ChangeTeam, NewTeam, Teams
from shared.catalog.aliases import ChangeAlias, ModelAliases, NewAlias
from shared.catalog.level_changes import Levels
from shared.catalog.level_checks import ChangeLevel, NewLevel
from shared.catalog.model_changes import ChangeModel, Models, NewModel
from shared.catalog.provider_changes import ChangeProvider, NewProvider, Providers
from shared.catalog.rule_changes import Rules
from shared.catalog.rule_checks import ALL_TIERS, ChangeRule, NewRule
from shared.limits.changes import ChangeLimit, LimitChanges, NewLimit
from shared.routing.deployment import Kind, Opens, Tier
from shared.routing.snapshot import Fallback

_FLAG = ("true", "false")
_TIERS = tuple(Tier)
_SCOPES = ("user", "token", "team", "tier", "end_user", "tag", "model", "credential", "all")


class Field(msgspec.Struct, frozen=True):
    """One input. `choices`: one of these; `is_fixed`: set once, when the row is made;
    `is_later`: only of a row that is there.

    `may_be_empty`: then it is null; else an empty input leaves it as it is.
    """

    name: str
    label: str
    choices: Sequence[str] = ()
    is_fixed: bool = False
    is_required: bool = False
    may_be_empty: bool = False
    is_later: bool = False


class Subject(msgspec.Struct, frozen=True):
    """`key` names a row. `columns`: what the table shows, by heading. `shape` makes of the fields
    of a form the body of the API. `more`: what a row's own page
    has, if it has one; it is at `more_at` and the row's key. `is_tried`: on the last
    requests, before it is saved."""

    name: str
    title: str
    said: str
    service: type[Any]
    key: str
    columns: Mapping[str, Callable[[Any], object]]
    fields: Sequence[Field]
    new: type[msgspec.Struct]
    change: type[msgspec.Struct]
    shape: Callable[[dict[str, Any]], dict[str, Any]] = dict
    filled: Callable[[Any], Mapping[str, object]] = msgspec.structs.asdict
    more: str | None = None
    more_at: str = ""
    is_tried: bool = False

    def fields_of(self, *, is_new: bool) -> list[Field]:
        """What a form asks for a new row, or for one that is there."""
        return [one for one in self.fields if not (one.is_later if is_new else one.is_fixed)]


def column(name: str) -> Callable[[Any], object]:
    return lambda row: getattr(row, name)


def _columns(**names: str) -> Mapping[str, Callable[[Any], object]]:
    return {heading.replace("_", " "): column(name) for heading, name in names.items()}


SUBJECTS: Mapping[str, Subject] = {
    one.name: one
    for one in (
        Subject(
            "providers",
            "Providers",
            "Where models are served. Add a server of your own, as Ollama or vLLM, by its URL.",
            Providers,
            "provider",
            _columns(
                Provider="provider",
                URL="base_url",
                Health="health_status",
                Opens="opens",
                Lowest_tier="min_tier",
                On="is_active",
            ),
            (
                Field("provider", "Slug", is_fixed=True, is_required=True),
                Field("base_url", "Base URL, with its version", is_required=True),
                Field("name", "Name"),
                Field("auth_type", "Its key travels as", ("bearer", "x-api-key", "none")),
                Field("opens", "Unlisted models it serves", tuple(Opens)),
                Field("min_tier", "Lowest tier", _TIERS),
                Field("is_local", "Yours, at a private address", _FLAG),
                Field("is_byok_supported", "Takes users' own keys", _FLAG),
                Field("is_active", "Switched on", _FLAG),
            ),
            NewProvider,
            ChangeProvider,
        ),
        Subject(
            "models",
            "Models and prices",
            "What requests may be served by. A new price holds for requests from then on.",
            Models,
            "id",
            {
                **_columns(Model="model_id", Provider="provider", Level="power_level"),
                "Input USD/M": price_of("input"),
                "Output USD/M": price_of("output"),
                **_columns(Context="context_window", Lowest_tier="min_tier", On="is_active"),
            },
            (
                Field("provider", "Provider", is_fixed=True, is_required=True),
                Field("model_id", "Id at the provider", is_fixed=True, is_required=True),
                Field("power_level", "Power level", may_be_empty=True),
                Field("power_level_priority", "Priority in it"),
                Field("price_input", "Input, USD per million tokens"),
                Field("price_output", "Output, USD per million tokens"),
                Field("context_window", "Context window", may_be_empty=True),
                Field("kind", "Kind", tuple(Kind)),
                Field("min_tier", "Lowest tier", _TIERS),
                Field("is_active", "Switched on", _FLAG),
            ),
            NewModel,
            ChangeModel,
            model_of,
            model_filled,
            is_tried=True,
        ),
        Subject(
            "aliases",
            "Aliases",
            "Names that stand for others: a model that is retired, or a split over several.",
            ModelAliases,
            "name",
            {**_columns(Name="name"), "Stands for": targets_of, **_columns(On="is_active")},
            (
                Field("name", "Name, with one * if you like", is_fixed=True, is_required=True),
                Field("target", "Target, or 'eco 80, balanced 20'", is_required=True),
                Field("is_active", "Switched on", _FLAG),
            ),
            NewAlias,
            ChangeAlias,
            alias_of,
            alias_filled,
            is_tried=True,
        ),
        Subject(
            "rules",
            "Routing rules",
            "Which model serves a level first, and for whom. Without one a level tries its models.",
            Rules,
            "id",
            _columns(
                Level="power_level",
                Model="model",
                Provider="provider",
                Tier="user_tier",
                Task="task_type",
                Priority="priority",
                Weight="weight",
                On="is_active",
            ),
            (
                Field("power_level", "Power level", is_required=True),
                Field("model", "Model", is_required=True),
                Field("user_tier", "Lowest tier it holds for", (ALL_TIERS, *_TIERS)),
                Field("task_type", "Task type", may_be_empty=True),
                Field("priority", "Priority, highest first"),
                Field("weight", "Weight among equals"),
                Field("min_tokens", "From so many tokens", may_be_empty=True),
                Field("max_tokens", "Up to so many tokens", may_be_empty=True),
                Field("is_fallback", "Only after others failed", _FLAG),
                Field("fallback_order", "Order among those", may_be_empty=True),
                Field("requires_byok", "With users' own keys alone", _FLAG),
                Field("is_active", "Switched on", _FLAG),
            ),
            NewRule,
            ChangeRule,
            is_tried=True,
        ),
        Subject(
            "levels",
            "Power levels",
            "What users ask for in place of a model, cheapest first.",
            Levels,
            "name",
            _columns(
                Name="name",
                Rank="rank",
                Ceiling_USD_per_M="price_ceiling_usd_per_mtok",
                Fallback="fallback",
                Longest_answer="default_max_tokens",
            ),
            (
                Field("name", "Name", is_fixed=True, is_required=True),
                Field("rank", "Rank, cheapest first", is_required=True),
                Field("price_ceiling_usd_per_mtok", "Ceiling, USD per million", is_required=True),
                Field("fallback", "Where no rule serves it", tuple(Fallback)),
                Field("default_max_tokens", "Longest answer", may_be_empty=True),
                Field("default_temperature", "Temperature", may_be_empty=True),
            ),
            NewLevel,
            ChangeLevel,
        ),
        Subject(
            "limits",
            "Limits and budgets",
            "What a user, token, team or everybody may use, a minute, a day and a month.",
            LimitChanges,
            "id",
            _columns(
                Scope="scope",
                Subject="subject",
                Requests_a_minute="requests_per_minute",
                Tokens_a_minute="tokens_per_minute",
                At_once="concurrent_requests",
                USD_a_day="budget_day_usd",
                USD_a_month="budget_month_usd",
                Soft="is_soft",
                On="is_active",
            ),
            (
                Field("scope", "Scope", _SCOPES, is_fixed=True, is_required=True),
                Field("subject", "Whose, or * for each", is_fixed=True, is_required=True),
                Field("requests_per_minute", "Requests a minute", may_be_empty=True),
                Field("tokens_per_minute", "Tokens a minute", may_be_empty=True),
                Field("concurrent_requests", "Requests at once", may_be_empty=True),
                Field("budget_day_usd", "USD a day", may_be_empty=True),
                Field("budget_month_usd", "USD a month", may_be_empty=True),
                Field("is_soft", "Tells, and never refuses", _FLAG),
                Field("counts_byok", "Counts users' own keys", _FLAG),
                Field("time_zone", "Time zone of its days"),
                Field("is_active", "Switched on", _FLAG),
            ),
            NewLimit,
            ChangeLimit,
            is_tried=True,
        ),
        Subject(
            "teams",
            "Teams",
            "Who spends together. Tokens, usage and limits name a team by its id.",
            Teams,
            "id",
            {
                **_columns(Id="id", Name="name", Valid_tokens="tokens"),
                "Members": lambda row: len(row.members),
                **_columns(On="is_active"),
            },
            (
                Field("name", "Name", is_required=True),
                Field("id", "Id, else made of the name", is_fixed=True),
                Field("is_active", "Switched on", _FLAG, is_later=True),
            ),
            NewTeam,
            ChangeTeam,
            more="Members",
            more_at="/admin/team/",
        ),
    )
}
