"""The list of models: what this caller can ask for now, each name once and meaning what it says."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from functions.models import lists as lists_module
from functions.models.answers import Cards
from functions.models.listing import Source, entries, entry_of
from functions.models.lists import Lists, open_lists
from shared.routing.aliases import Alias, Target
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.open_catalog import OpenCatalog
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Snapshot, Tier, build_snapshot
from tests.fakes.gateway import ADMIN, USER
from tests.fakes.uvicorn_server import UvicornServer

_spec = importlib.util.spec_from_file_location(
    "catalog", Path(__file__).parents[2] / "shared/routing/catalog.py"
)
assert _spec is not None
assert _spec.loader is not None
catalog: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalog)

ROUTER = catalog.provider(7, "openrouter")
PRICE = catalog.price(0.1, 0.5)
KNOWN = KnownModels(
    KnownModel(slug, (name.lower(),), price=price, ids=(name,), source="test")
    for slug, name, price in (
        ("openai", "gpt-4o-mini", PRICE),
        ("openai", "gpt-unpriced", None),
        ("openrouter", "openai/gpt-4o-mini", PRICE),
        ("groq", "llama", PRICE),
    )
)
ALL = frozenset({"openai", "anthropic", "google", "groq", "openrouter"})


def snapshot(**more: Any) -> Snapshot:
    providers = {one.provider.id: one.provider for one in catalog.MODELS} | {7: ROUTER}
    aliases = (Alias("fast", (Target("eco"),)), Alias("gone", (Target("nothing/at-all"),)))
    return build_snapshot(
        tuple(sorted(providers.values(), key=lambda one: one.id)),
        more.get("models", catalog.MODELS),
        catalog.RULES,
        catalog.LEVELS,
        (*aliases, Alias("claude-*", (Target("eco"),))),
        KNOWN,
    )


def who(funded: frozenset[str] = ALL, **changes: Any) -> RoutingRequest:
    plain = RoutingRequest(models=(), level=None, tier=Tier.PROFESSIONAL, platform_funded=funded)
    return msgspec.structs.replace(plain, **changes)


def names(request: RoutingRequest, *, all_of_it: bool = False) -> list[str]:
    return [one.id for one in entries(snapshot(), request, all_of_it=all_of_it)]


def test_levels_aliases_listed_and_open_models_are_listed_and_patterns_are_not() -> None:
    found = entries(snapshot(), who(), all_of_it=False)
    sources = {one.id: one.source for one in found}
    assert sources["eco"] == sources["precision"] == Source.LEVEL
    assert sources["fast"] == Source.ALIAS
    assert sources["gpt-6.1-terra"] == Source.LISTED
    assert sources["gpt-4o-mini"] == sources["llama"] == Source.CATALOG
    assert not {"claude-*", "gone", "gpt-unpriced"} & sources.keys()
    assert all(one.why_not is None for one in found)


def test_the_first_provider_has_the_plain_id_and_the_others_stand_behind_their_slug() -> None:
    assert [name for name in names(who()) if "4o-mini" in name] == [
        "gpt-4o-mini",
        "openrouter/openai/gpt-4o-mini",
    ]
    assert [name for name in names(who(frozenset({"openrouter"}))) if "4o-mini" in name] == [
        "openai/gpt-4o-mini",
    ]


@pytest.mark.parametrize("all_of_it", [False, True])
@pytest.mark.parametrize("funded", [ALL, frozenset({"openrouter"}), frozenset[str]()])
def test_every_id_is_there_once(funded: frozenset[str], all_of_it: bool) -> None:
    found = names(who(funded), all_of_it=all_of_it)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("funded", [ALL, ALL - {"openai"}, frozenset({"openrouter", "groq"})])
def test_what_is_listed_is_served_under_its_name(funded: frozenset[str]) -> None:
    listed = entries(snapshot(), who(funded), all_of_it=False)
    for one in listed:
        if one.model is None:
            continue
        choice = choose(snapshot(), who(funded, models=(one.id,)))
        first = choice.candidates[0].model
        assert (first.provider.slug, first.model_id) == (
            one.model.provider.slug,
            one.model.model_id,
        )


def test_the_rest_says_why_not() -> None:
    request = who(frozenset({"openai"}), tier=Tier.FREE)
    rest = {one.id: one.why_not for one in entries(snapshot(), request, all_of_it=True)}
    assert rest["gpt-6.1-terra"] is None
    assert rest["claude-opus-5-5"] == "no_key"
    assert rest["precision"] == "tier_not_allowed"
    assert rest["gpt-unpriced"] == "not_opened"
    assert set(names(request)) == {name for name, reason in rest.items() if reason is None}


def test_only_what_a_token_may_use_is_listed() -> None:
    request = who(allowed_models=frozenset({"openai/*", "fast"}))
    assert names(request) == ["balanced", "fast", "gpt-6.1-terra", "gpt-4o-mini"]


def test_a_callers_own_key_opens_what_the_platforms_does_not() -> None:
    request = who(frozenset(), own_keys=(OwnKey(1, "openai"),))
    assert "gpt-unpriced" in names(request)
    assert "llama" not in names(request)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("eco", Source.LEVEL),
        ("fast", Source.ALIAS),
        ("claude-haiku-9", Source.ALIAS),
        ("openai/gpt-6.1-terra", Source.LISTED),
        ("gpt-4o-mini", Source.CATALOG),
    ],
)
def test_one_name_is_what_a_completion_takes_it_for(name: str, source: Source) -> None:
    found = entry_of(snapshot(), who(), name)
    assert found is not None
    assert (found.id, found.source, found.why_not) == (name, source, None)


def test_an_entry_that_is_remembered_is_the_one_that_is_made() -> None:
    cards, found = Cards(), entries(snapshot(), who(), all_of_it=True)
    first = [json.loads(cards.of(one)) for one in found]
    assert [json.loads(cards.of(one)) for one in found] == first
    assert [one["id"] for one in first] == [one.id for one in found]
    assert json.loads(cards.list(found))["data"] == first


def get(web: UvicornServer, path: str = "", **headers: str) -> Any:
    answer = httpx.get(
        f"{web.url}/v1/models{path}", headers={**USER, **headers}, trust_env=False, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_is_in_openais_shape_and_all_adds_to_it(gateway: UvicornServer) -> None:
    listed = get(gateway)
    assert (listed["object"], listed["next_cursor"]) == ("list", None)
    assert {"eco", "gpt-6.1-terra", "gpt-4o-mini"} <= {one["id"] for one in listed["data"]}
    assert all(one["object"] == "model" and one["usable"] for one in listed["data"])
    [terra] = [one for one in listed["data"] if one["id"] == "gpt-6.1-terra"]
    assert terra["pricing"]["input_usd_per_mtok"] == 1
    everything = get(gateway, "?all=true")["data"]
    assert len(everything) > len(listed["data"])
    assert all(one["unusable_reason"] for one in everything if not one["usable"])
    assert get(gateway, "/gpt-6.1-terra") == terra
    assert get(gateway, "/groq/openai/gpt-oss-20b")["id"] == "groq/openai/gpt-oss-20b"


def test_with_anthropics_header_it_is_in_anthropics_shape(gateway: UvicornServer) -> None:
    listed = get(gateway, **{"anthropic-version": "2023-06-01"})
    ids = [one["id"] for one in listed["data"]]
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, ids[0], ids[-1])
    one = get(gateway, "/claude-opus-5-5", **{"anthropic-version": "2023-06-01"})
    assert one.keys() == {"type", "id", "display_name", "created_at"}
    assert one in listed["data"]


def test_a_name_that_nobody_knows_is_404(gateway: UvicornServer) -> None:
    answer = httpx.get(f"{gateway.url}/v1/models/no-such-thing", headers=ADMIN, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_a_list_is_made_once_for_all_who_may_ask_for_the_same_and_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        made_in: list[threading.Thread] = []

        def noted(*asked: Any, **options: Any) -> Any:
            made_in.append(threading.current_thread())
            return entries(*asked, **options)

        monkeypatch.setattr(lists_module, "entries", noted)
        lists, old = Lists(), snapshot()
        plain: Any = {"all_of_it": False, "in_anthropics": False}
        found = await asyncio.gather(*(lists.of(old, who(), **plain) for _ in range(5)))
        assert {id(one) for one in found} == {id(found[0])}
        assert [one["id"] for one in json.loads(found[0])["data"]] == names(who())
        assert len(made_in) == 1
        assert made_in[0] is not threading.current_thread()

        others = (
            who(frozenset({"groq"})),
            who(tier=Tier.FREE),
            who(own_keys=(OwnKey(0, "openai"),)),
        )
        for other in (*others, who(allowed_models=frozenset({"eco"}))):
            shown = json.loads(await lists.of(old, other, **plain))["data"]
            assert [one["id"] for one in shown] == names(other)
        everything = await lists.of(old, who(), all_of_it=True, in_anthropics=False)
        assert len(everything) > len(found[0])
        anthropics = json.loads(await lists.of(old, who(), all_of_it=False, in_anthropics=True))
        assert [one["id"] for one in anthropics["data"]] == names(who())

    asyncio.run(scene())


def test_another_catalog_is_listed_anew() -> None:
    async def scene() -> None:
        lists = Lists()
        plain: Any = {"all_of_it": False, "in_anthropics": False}
        assert b"gpt-6.1-terra" in await lists.of(snapshot(), who(), **plain)
        fewer = tuple(one for one in catalog.MODELS if one.model_id != "gpt-6.1-terra")
        assert b"gpt-6.1-terra" not in await lists.of(snapshot(models=fewer), who(), **plain)

    asyncio.run(scene())


def test_lists_are_remembered_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        lists, old = Lists(), snapshot()
        plain: Any = {"all_of_it": False, "in_anthropics": False}
        first = await lists.of(old, who(), **plain)
        monkeypatch.setattr(lists_module, "_MAX_BYTES", len(first) + 1)
        second = await lists.of(old, who(tier=Tier.ENTERPRISE), **plain)
        assert await lists.of(old, who(tier=Tier.ENTERPRISE), **plain) is second
        assert await lists.of(old, who(), **plain) is not first

    asyncio.run(scene())


def test_what_every_list_needs_is_prepared_before_anybody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.snapshot = snapshot()
            self.changed: list[Callable[[], None]] = []

        def on_change(self, name: str, callback: Callable[[], None]) -> None:
            assert name == "catalogue"
            self.changed.append(callback)

    prepared: queue.Queue[Snapshot] = queue.Queue()
    find = lists_module._find_unlisted  # pyright: ignore[reportPrivateUsage]

    def noted(snapshot: Snapshot) -> None:
        find(snapshot)
        prepared.put(snapshot)

    async def scene() -> None:
        keeper: Any = Keeper()
        async with open_lists(keeper) as lists:
            await asyncio.to_thread(prepared.get, timeout=5)
            monkeypatch.setattr(OpenCatalog, "_deployment", None)  # nothing is described again
            listed = await lists.of(keeper.snapshot, who(), all_of_it=False, in_anthropics=False)
            assert b'"gpt-4o-mini"' in listed
            monkeypatch.undo()
            monkeypatch.setattr(lists_module, "_find_unlisted", noted)
            keeper.snapshot = snapshot()
            keeper.changed[0]()
            assert await asyncio.to_thread(prepared.get, timeout=5) is keeper.snapshot

    monkeypatch.setattr(lists_module, "_find_unlisted", noted)
    asyncio.run(scene())
