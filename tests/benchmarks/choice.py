"""How long a choice takes in a large catalog: `python -m tests.benchmarks.choice`.

10,000 listed models of 50 providers, 5,000 open ones, 1,000 rules and 1,000 aliases. A request pays
for a choice that is remembered, put in the order of its session and of this moment; the first of
its kind pays for making it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from functions.models.answers import Cards
from functions.models.listing import entries
from functions.models.lists import Lists
from shared.completion.router import Router, meant
from shared.errors import ProviderUnavailable
from shared.health.circuits_table import CircuitTable
from shared.routing.aliases import Alias, Target
from shared.routing.choose import choose
from shared.routing.fit import RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.order import Block, draw, order
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Model, Rule, Snapshot, Tier, build_snapshot
from tests.shared.routing import catalog

PROVIDERS, MODELS, RULES, OPEN, ALIASES = 50, 10_000, 1_000, 5_000, 1_000
LEVELS = ("eco", "balanced", "precision")
_ROUNDS = 2_000


def parts(size: int = MODELS) -> tuple[tuple[Model, ...], tuple[Rule, ...]]:
    providers = [catalog.provider(n + 1, f"p{n}") for n in range(PROVIDERS)]
    models = tuple(
        catalog.model(
            n + 1,
            providers[n % PROVIDERS],
            f"model-{n}",
            LEVELS[n % 3],
            price=catalog.price(0.05 + n % 97 / 10, 0.2 + n % 97 / 3),
            power_level_priority=n % 100,
        )
        for n in range(size)
    )
    rules = tuple(
        catalog.rule(
            n,
            models[n * 7 % size],
            LEVELS[n % 3],
            priority=n // 20,
            weight=1 + n % 9,
            task_type=("code", "chat", None)[n % 3 if n % 2 else 2],
            tier=list(Tier)[n % 4],
        )
        for n in range(RULES)
    )
    return models, rules


def large(models: int = MODELS, opened: int = OPEN, aliases: int = ALIASES) -> Snapshot:
    """So many listed models, open ones of OpenAI's, and aliases, of which half are patterns."""
    listed, rules = parts(models)
    providers = {one.provider.id: one.provider for one in listed}
    openai = catalog.provider(1000, "openai")
    price = catalog.price(0.15, 0.6)
    known = KnownModels(
        KnownModel(
            "openai",
            (f"open-{n}",),
            rf"^open-{n}-\d{{4}}-\d{{2}}-\d{{2}}$" if n < 100 else None,
            price=price,
            ids=(f"open-{n}",),
        )
        for n in range(opened)
    )
    exact = [Alias(f"alias-{n}", (Target(f"open-{n}"),)) for n in range(aliases // 2)]
    patterns = [Alias(f"team-{n}-*", (Target("openai/open-*"),)) for n in range(aliases // 2)]
    return build_snapshot(
        (*providers.values(), openai), listed, rules, catalog.LEVELS, exact + patterns, known
    )


def median_us(act: Callable[[], object], rounds: int = _ROUNDS) -> float:
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1e6, 1)


def measure() -> dict[str, float]:
    started = time.perf_counter()
    snapshot = large()
    build_ms = (time.perf_counter() - started) * 1e3
    keyed = frozenset(f"p{n}" for n in range(PROVIDERS))
    request = RoutingRequest(
        models=(),
        level="balanced",
        tier=Tier.PROFESSIONAL,
        platform_funded=keyed,
        prompt_tokens=900,
    )
    with_key = msgspec.structs.replace(request, own_keys=(OwnKey(7, "p3"),))
    named = msgspec.structs.replace(request, models=("model-4711",))
    opened = msgspec.structs.replace(
        request, models=("open-4711",), platform_funded=keyed | {"openai"}
    )
    aliased = msgspec.structs.replace(opened, models=("team-499-4711",))
    nobody: Any = None
    router = Router(keeper=nobody, access=nobody, own_keys=nobody, circuits=CircuitTable())
    choice = router.choice(snapshot, request)
    first = choice.candidates[0].model
    blocks = {(first.provider.slug, first.model_id, None): Block(ProviderUnavailable, 1e12)}

    def remembered(blocks: dict[object, Block]) -> None:
        drawn = draw(router.choice(snapshot, request), "session-1")
        order(drawn, blocks, prompt_tokens=900, now_s=0.0)  # type: ignore[arg-type]

    def by_alias() -> None:
        asked, _ = meant(snapshot, aliased, "session-1")
        order(draw(router.choice(snapshot, asked), "session-1"), {}, prompt_tokens=900, now_s=0.0)

    cards, everything = Cards(), msgspec.structs.replace(opened, models=())
    lists, loop = Lists(), asyncio.new_event_loop()

    def first_list() -> bytes:
        return cards.list(entries(snapshot, everything, all_of_it=False))

    def list_models() -> bytes:
        return loop.run_until_complete(
            lists.of(snapshot, everything, all_of_it=False, in_anthropics=False)
        )

    return {
        "snapshot_build_ms": round(build_ms, 1),
        "choice_us": median_us(lambda: remembered({})),
        "choice_with_an_open_circuit_us": median_us(lambda: remembered(blocks)),  # type: ignore[arg-type]
        "first_choice_of_its_kind_us": median_us(lambda: choose(snapshot, request), 200),
        "first_choice_with_an_own_key_us": median_us(lambda: choose(snapshot, with_key), 50),
        "first_choice_of_a_named_model_us": median_us(lambda: choose(snapshot, named), 200),
        "first_choice_of_an_open_model_us": median_us(lambda: choose(snapshot, opened), 200),
        "choice_by_the_last_pattern_us": median_us(by_alias),
        "list_of_models_us": median_us(list_models, 20),
        "first_list_of_its_kind_us": median_us(first_list, 5),
        "explained_us": median_us(lambda: choose(snapshot, request, enough=None), 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.choice", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    options = parser.parse_args()
    found = measure()
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:36} {value:>12,.1f}")


if __name__ == "__main__":
    main()
