"""The laws of routing, a row each: what a caller who wants this gets, in which order.

A candidate is written `provider/model`, with `*` where the caller's own key pays. The catalog is
that of catalog.py: eco is Groq's, balanced OpenAI's by a rule and Google's, precision
Anthropic's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from shared.errors import (
    PlatformKeyRefused,
    ProviderRateLimited,
    ProviderUnavailable,
    SwitchyardError,
)
from shared.pricing.price import Price, PriceTier, Rates
from shared.routing.choice import Choice
from shared.routing.choose import choose
from shared.routing.fit import DropReason, RoutingRequest
from shared.routing.known_models import KnownModel, KnownModels
from shared.routing.order import Block, BlockKey, draw, order
from shared.routing.own_keys import OwnKey, PlatformFallback, UsePolicy
from shared.routing.snapshot import Health, Model, Provider, Tier
from tests.shared.routing import catalog
from tests.shared.routing.catalog import FLASH, OPUS, OSS, TERRA, rule

KEYED = frozenset({"openai", "anthropic", "google", "groq"})
GROQ, OPENAI, GOOGLE, ANTHROPIC = (
    "groq/openai/gpt-oss-20b",
    "openai/gpt-6.1-terra",
    "google/gemini-3.8-flash",
    "anthropic/claude-opus-5-5",
)
BALANCED = [OPENAI, GOOGLE, GROQ]
UNAVAILABLE = Block(ProviderUnavailable, until_s=100)
LIMITED = Block(ProviderRateLimited, until_s=100)
KNOWN = KnownModels(
    [
        KnownModel("openai", ("gpt-0",)),
        KnownModel("google", (), pattern="^gemini-0-"),
        KnownModel("google", ("gemini-0",)),
        KnownModel("openrouter", ("gemini-0",)),
        KnownModel("groq", ("priced-0",), price=Price(0, (PriceTier(0, Rates(10**6, 4 * 10**6)),))),
    ]
)


def own(provider: str, **changes: Any) -> OwnKey:
    plain = OwnKey(id=catalog.SLUGS.index(provider) + 70, provider=provider)
    return msgspec.structs.replace(plain, **changes)


@dataclass
class Law:
    """`gives` the candidates in order, or the code of the error; `drops` are some of the drops."""

    want: dict[str, Any]
    gives: list[str] | str
    models: dict[Model, dict[str, Any]] = field(default_factory=dict[Model, dict[str, Any]])
    providers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    rules: tuple[Any, ...] = catalog.RULES
    blocks: dict[BlockKey, Block] = field(default_factory=dict[BlockKey, Block])
    drops: dict[str, DropReason] = field(default_factory=dict[str, DropReason])
    panic: bool = False


ONLY, PREFER, LAST = UsePolicy.ONLY, UsePolicy.PREFER, UsePolicy.LAST_RESORT
NEVER, ON_RATE, ALWAYS = PlatformFallback

LAWS: dict[str, Law] = {
    # Levels and tiers.
    "eco goes to eco's rule": Law({"level": "eco"}, [GROQ]),
    "balanced: its rule, its level, then cheaper ones": Law({"level": "balanced"}, BALANCED),
    "precision stays precision": Law({"level": "precision"}, [ANTHROPIC]),
    "no level is balanced": Law({}, BALANCED),
    "auto is balanced": Law({"level": "auto"}, BALANCED),
    "auto as a model is balanced": Law({"models": ("auto",)}, BALANCED),
    "a level as a model is that level": Law({"models": ("precision",)}, [ANTHROPIC]),
    "a level as a model beats the header": Law(
        {"models": ("precision",), "level": "eco"}, [ANTHROPIC]
    ),
    "free without a level gets eco": Law({"tier": Tier.FREE}, [GROQ]),
    "free may not have balanced": Law(
        {"tier": Tier.FREE, "level": "balanced"}, "tier_not_allowed"
    ),
    "free may not have precision as a model": Law(
        {"tier": Tier.FREE, "models": ("precision",)}, "tier_not_allowed"
    ),
    "a higher tier meets a lower one's rule": Law(
        {"tier": Tier.ENTERPRISE, "level": "eco"}, [GROQ]
    ),
    "an unknown level is refused": Law({"level": "turbo"}, "invalid_value"),
    "a level whose rules a tier does not meet is closed, whatever its models": Law(
        {"tier": Tier.STARTER, "level": "balanced"}, "tier_not_allowed"
    ),
    "a level without rules is open to all": Law(
        {"tier": Tier.FREE, "level": "balanced"}, [OPENAI, GOOGLE, GROQ], rules=()
    ),
    # Rules.
    "a higher priority first": Law(
        {},
        [GOOGLE, OPENAI, GROQ],
        rules=(
            rule(1, TERRA, "balanced", priority=1),
            rule(2, FLASH, "balanced", priority=2),
        ),
    ),
    "a degraded provider after its equals": Law(
        {},
        [GOOGLE, OPENAI, GROQ],
        rules=(rule(1, TERRA, "balanced"), rule(2, FLASH, "balanced")),
        providers={"openai": {"health": Health.DEGRADED}},
    ),
    "a degraded provider of a higher priority is still first": Law(
        {},
        [OPENAI, GOOGLE, GROQ],
        rules=(rule(1, TERRA, "balanced", priority=9), rule(2, FLASH, "balanced")),
        providers={"openai": {"health": Health.DEGRADED}},
    ),
    "a rule of a task is for that task": Law(
        {"task_type": "code"},
        [ANTHROPIC, OPENAI, GOOGLE, GROQ],
        rules=(*catalog.RULES, rule(9, OPUS, "balanced", task_type="code", priority=1)),
    ),
    "a rule of another task is not met": Law(
        {"task_type": "chat"},
        BALANCED,
        rules=(*catalog.RULES, rule(9, OPUS, "balanced", task_type="code", priority=1)),
    ),
    "a rule may name what is above the level's ceiling": Law(
        {}, [ANTHROPIC, OPENAI, GOOGLE, GROQ], rules=(rule(1, OPUS, "balanced"),)
    ),
    "a rule for long prompts is not for short ones": Law(
        {"prompt_tokens": 64},
        BALANCED,
        rules=(*catalog.RULES, rule(9, FLASH, "balanced", min_tokens=1000, priority=9)),
    ),
    "a rule for long prompts is for long ones": Law(
        {"prompt_tokens": 1024},
        [GOOGLE, OPENAI, GROQ],
        rules=(*catalog.RULES, rule(9, FLASH, "balanced", min_tokens=1000, priority=9)),
    ),
    "a rule for short prompts is not for long ones": Law(
        {"prompt_tokens": 1024},
        BALANCED,
        rules=(*catalog.RULES, rule(9, FLASH, "balanced", max_tokens=1000, priority=9)),
    ),
    "fallback rules after the others, in their order": Law(
        {},
        [OPENAI, GROQ, ANTHROPIC, GOOGLE],
        rules=(
            rule(1, OPUS, "balanced", is_fallback=True, fallback_order=2, priority=9),
            rule(2, OSS, "balanced", is_fallback=True, fallback_order=1),
            rule(3, TERRA, "balanced"),
        ),
    ),
    "a model of two rules is tried once, at its better place": Law(
        {},
        BALANCED,
        rules=(
            rule(1, TERRA, "balanced", priority=5),
            rule(2, TERRA, "balanced", is_fallback=True),
        ),
    ),
    "a rule that requires an own key is not met without": Law(
        {}, BALANCED, rules=(*catalog.RULES, rule(9, OPUS, "balanced", requires_byok=True))
    ),
    "a rule that requires an own key is met by it alone": Law(
        {"own_keys": (own("anthropic"),)},
        [ANTHROPIC + "*", OPENAI, GOOGLE, GROQ],
        rules=(*catalog.RULES, rule(9, OPUS, "balanced", requires_byok=True)),
    ),
    # Names.
    "a listed id": Law({"models": ("gpt-6.1-terra",)}, [OPENAI]),
    "provider/model": Law({"models": (OPENAI,)}, [OPENAI]),
    "a listed id with a slash is no provider's": Law({"models": ("openai/gpt-oss-20b",)}, [GROQ]),
    "an unknown name is refused": Law({"models": ("gpt-1",)}, "model_not_found"),
    "a list is in its own order": Law(
        {"models": ("claude-opus-5-5", "gpt-6.1-terra")}, [ANTHROPIC, OPENAI]
    ),
    "a list may end in a level": Law(
        {"models": ("claude-opus-5-5", "eco")}, [ANTHROPIC, GROQ]
    ),
    "an unknown name in a list is refused too": Law(
        {"models": ("claude-opus-5-5", "gpt-1")}, "model_not_found"
    ),
    "a named model is not bound to its level's tier": Law(
        {"tier": Tier.FREE, "models": ("claude-opus-5-5",)}, [ANTHROPIC]
    ),
    "a named model is bound to its own": Law(
        {"tier": Tier.FREE, "models": ("claude-opus-5-5",)},
        "tier_not_allowed",
        models={OPUS: {"min_tier": Tier.STARTER}},
    ),
    "an unlisted name without a price needs an own key where it is known": Law(
        {"models": ("gemini-0",)}, "model_not_opened"
    ),
    "an unlisted name with a price is served by the platform's key": Law(
        {"models": ("priced-0",)}, ["groq/priced-0"]
    ),
    "an unlisted name goes where the catalog knows it and a key is": Law(
        {"models": ("gemini-0",), "own_keys": (own("google"),)}, ["google/gemini-0*"]
    ),
    "an unlisted name goes to the first provider with a key, not the first that knows it": Law(
        {"models": ("gemini-0-mini",), "own_keys": (own("groq"), own("google"))},
        ["google/gemini-0-mini*"],
    ),
    "an unlisted name at a named provider needs no catalog": Law(
        {"models": ("groq/anything",), "own_keys": (own("groq"),)}, ["groq/anything*"]
    ),
    "the platform pays for no unlisted model without a price": Law(
        {
            "models": ("gemini-0",),
            "own_keys": (own("google", policy=LAST, platform_fallback=ALWAYS),),
        },
        ["google/gemini-0*"],
    ),
    "an unlisted model without a price has none to bound": Law(
        {"models": ("gemini-0",), "own_keys": (own("google"),), "max_cost_pico_usd": 10**12},
        "no_candidate",
    ),
    "an unlisted model with a price may be bounded": Law(
        {"models": ("priced-0",), "own_keys": (own("groq"),), "max_cost_pico_usd": 10**12},
        ["groq/priced-0*", "groq/priced-0"],
    ),
    # What does not fit.
    "what is switched off is dropped": Law(
        {}, [GOOGLE, GROQ], models={TERRA: {"is_active": False}},
        drops={OPENAI: DropReason.MODEL_INACTIVE},
    ),
    "a provider that is switched off is dropped": Law(
        {}, [GOOGLE, GROQ], providers={"openai": {"is_active": False}},
        drops={OPENAI: DropReason.PROVIDER_INACTIVE},
    ),
    "a deprecated model is not fallen over to": Law(
        {}, [OPENAI, GROQ], models={FLASH: {"is_deprecated": True}},
        drops={GOOGLE: DropReason.DEPRECATED},
    ),
    "a deprecated model serves who names it": Law(
        {"models": ("gemini-3.8-flash",)}, [GOOGLE], models={FLASH: {"is_deprecated": True}}
    ),
    "no key, no candidate": Law(
        {"platform_funded": KEYED - {"openai"}}, [GOOGLE, GROQ], drops={OPENAI: DropReason.NO_KEY}
    ),
    "privacy: only what is local": Law(
        {"local_only": True}, [GROQ], providers={"groq": {"is_local": True}},
        drops={OPENAI: DropReason.NOT_LOCAL},
    ),
    "privacy: an own key does not make a provider local": Law(
        {"local_only": True, "own_keys": (own("openai"),)}, "no_candidate"
    ),
    "no vision, no candidate": Law(
        {"vision": True}, [GOOGLE, GROQ], models={TERRA: {"supports_vision": False}},
        drops={OPENAI: DropReason.NO_VISION},
    ),
    "a prompt beyond the window": Law(
        {"prompt_tokens": 1251}, [GOOGLE, GROQ], models={TERRA: {"context_window": 1000}},
        drops={OPENAI: DropReason.CONTEXT_TOO_SMALL},
    ),
    "an answer beyond the window": Law(
        {"prompt_tokens": 512, "max_tokens": 739},
        [GOOGLE, GROQ],
        models={TERRA: {"context_window": 1000}},
        drops={OPENAI: DropReason.CONTEXT_TOO_SMALL},
    ),
    "an estimate near the window, which the provider decides": Law(
        {"prompt_tokens": 1000, "max_tokens": 250}, [OPENAI, GOOGLE, GROQ],
        models={TERRA: {"context_window": 1000}},
    ),
    "a window nobody knows is wide enough": Law(
        {"prompt_tokens": 2**20},
        [OPENAI],
        models={TERRA: {"context_window": None}},
    ),
    "above the ceiling, no other level": Law(
        {}, BALANCED, drops={ANTHROPIC: DropReason.OVER_PRICE_CEILING}
    ),
    "at the ceiling, another level": Law(
        {}, [OPENAI, GOOGLE, ANTHROPIC, GROQ], models={OPUS: {"price": catalog.price(4, 4)}}
    ),
    "dearest first among other levels": Law(
        {},
        [OPENAI, GOOGLE, ANTHROPIC, GROQ],
        models={OPUS: {"price": catalog.price(0.1, 0.31)}},
    ),
    "no price, no other level": Law(
        {}, [OPENAI, GOOGLE], models={OSS: {"price": None}}, drops={GROQ: DropReason.UNPRICED}
    ),
    "no price, and a bound on the cost": Law(
        {"max_cost_pico_usd": 10**12}, [GOOGLE, GROQ], models={TERRA: {"price": None}},
        drops={OPENAI: DropReason.UNPRICED},
    ),
    "a prompt that costs more than the bound": Law(
        {"prompt_tokens": 1000, "max_cost_pico_usd": 10**9}, [GOOGLE, GROQ],
        drops={OPENAI: DropReason.OVER_MAX_COST},
    ),
    "a bound that no model meets": Law(
        {"prompt_tokens": 1000, "max_cost_pico_usd": 1}, "no_candidate"
    ),
    "a token bound to models": Law(
        {"allowed_models": frozenset({"gemini-3.8-flash"})}, [GOOGLE],
        drops={OPENAI: DropReason.NOT_ALLOWED_FOR_TOKEN},
    ),
    "a token bound to a provider's model": Law(
        {"allowed_models": frozenset({GROQ})}, [GROQ]
    ),
    # The caller's own keys.
    "prefer: the own key, then the platform's at that provider": Law(
        {"own_keys": (own("openai"),)}, [OPENAI + "*", OPENAI, GOOGLE, GROQ]
    ),
    "prefer: within a group, not before a better one": Law(
        {"own_keys": (own("google"),)}, [OPENAI, GOOGLE + "*", GOOGLE, GROQ]
    ),
    "prefer: before a rule of a higher priority": Law(
        {"own_keys": (own("google"),)},
        [GOOGLE + "*", OPENAI, GOOGLE, GROQ],
        rules=(
            rule(1, TERRA, "balanced", priority=9),
            rule(2, FLASH, "balanced", priority=1),
        ),
    ),
    "only: never the platform's at that provider": Law(
        {"own_keys": (own("openai", policy=ONLY),)}, [OPENAI + "*", GOOGLE, GROQ]
    ),
    "last_resort: after the platform's": Law(
        {"own_keys": (own("openai", policy=LAST),)}, [OPENAI, OPENAI + "*", GOOGLE, GROQ]
    ),
    "last_resort: at the end of its group": Law(
        {"own_keys": (own("openai", policy=LAST),)},
        [OPENAI, GOOGLE, OPENAI + "*", GROQ],
        rules=(rule(1, TERRA, "balanced"), rule(2, FLASH, "balanced", priority=-1)),
    ),
    "an own key serves where the platform has none": Law(
        {"platform_funded": frozenset[str](), "own_keys": (own("google"),)}, [GOOGLE + "*"]
    ),
    "last_resort serves alone where the platform has none": Law(
        {"platform_funded": frozenset[str](), "own_keys": (own("google", policy=LAST),)},
        [GOOGLE + "*"],
    ),
    "an own key where none are supported is none": Law(
        {"platform_funded": frozenset({"groq"}), "own_keys": (own("google"),)}, [GROQ],
        providers={"google": {"is_byok_supported": False}},
        drops={GOOGLE: DropReason.NO_KEY},
    ),
    "an own key opens no tier": Law(
        {"tier": Tier.FREE, "own_keys": (own("openai"),), "models": ("gpt-6.1-terra",)},
        "tier_not_allowed",
        models={TERRA: {"min_tier": Tier.STARTER}},
    ),
    # What is not well just now.
    "a provider that is down comes last": Law(
        {}, [GOOGLE, GROQ, OPENAI], providers={"openai": {"health": Health.DOWN}}
    ),
    "an open circuit comes last": Law(
        {}, [GOOGLE, GROQ, OPENAI], blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE}
    ),
    "an open circuit whose time is over is tried at its place": Law(
        {}, BALANCED,
        blocks={("openai", "gpt-6.1-terra", None): Block(ProviderUnavailable, until_s=0)},
    ),
    "another model's circuit changes nothing": Law(
        {}, BALANCED, blocks={("openai", "gpt-5", None): UNAVAILABLE}
    ),
    "a named model's circuit changes nothing where nothing else could serve": Law(
        {"models": ("gpt-6.1-terra",)}, [OPENAI],
        blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE}, panic=True,
    ),
    "panic: if nobody is well all are tried as if they were": Law(
        {}, BALANCED, panic=True,
        blocks={
            ("openai", "gpt-6.1-terra", None): UNAVAILABLE,
            ("google", "gemini-3.8-flash", None): UNAVAILABLE,
            ("groq", "openai/gpt-oss-20b", None): UNAVAILABLE,
        },
    ),
    "a key at its limit comes last": Law(
        {}, [GOOGLE, GROQ, OPENAI], blocks={("openai", "gpt-6.1-terra", 0): LIMITED}
    ),
    "the platform's limit is not the own key's": Law(
        {"own_keys": (own("openai"),)}, [OPENAI + "*", GOOGLE, GROQ, OPENAI],
        blocks={("openai", "gpt-6.1-terra", 0): LIMITED},
    ),
    "a refused platform key closes all of its provider": Law(
        {}, [GOOGLE, GROQ, OPENAI],
        blocks={("openai", None, 0): Block(PlatformKeyRefused, until_s=100)},
    ),
    "few tokens left: a short prompt is sent": Law(
        {"prompt_tokens": 64}, BALANCED,
        blocks={("openai", "gpt-6.1-terra", 0): Block(ProviderRateLimited, 100, 100)},
    ),
    "few tokens left: a long prompt is not": Law(
        {"prompt_tokens": 128}, [GOOGLE, GROQ, OPENAI],
        blocks={("openai", "gpt-6.1-terra", 0): Block(ProviderRateLimited, 100, 100)},
    ),
    "to pass an own key over is to use another: never without consent": Law(
        {"own_keys": (own("openai"),)}, [OPENAI + "*"], panic=True,
        blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE},
        drops={GOOGLE: DropReason.NO_CONSENT, GROQ: DropReason.NO_CONSENT},
    ),
    "to pass an own key over: always": Law(
        {"own_keys": (own("openai", platform_fallback=ALWAYS),)},
        [GOOGLE, GROQ, OPENAI + "*", OPENAI],
        blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE},
    ),
    "to pass an own key over for its limit: on_rate_limit": Law(
        {"own_keys": (own("openai", platform_fallback=ON_RATE),)},
        [OPENAI, GOOGLE, GROQ, OPENAI + "*"],
        blocks={("openai", "gpt-6.1-terra", 70): LIMITED},
    ),
    "on_rate_limit is no consent for an outage": Law(
        {"own_keys": (own("openai", platform_fallback=ON_RATE),)},
        [OPENAI + "*"], panic=True,
        blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE},
    ),
    "another own key may always take over": Law(
        {"own_keys": (own("openai"), own("google"))}, [GOOGLE + "*", OPENAI + "*"],
        blocks={("openai", "gpt-6.1-terra", None): UNAVAILABLE},
    ),
    "a key of `only` is never paid around, whatever it allows": Law(
        {"own_keys": (own("openai", policy=ONLY, platform_fallback=ALWAYS),)},
        [OPENAI + "*"], panic=True,
        blocks={("openai", "gpt-6.1-terra", 70): LIMITED},
    ),
    "what the platform paid for before the own key stays": Law(
        {"own_keys": (own("google"),)}, [OPENAI, GOOGLE + "*"],
        providers={"google": {"health": Health.DOWN}},
    ),
}  # fmt: skip


def wanted(law: Law) -> RoutingRequest:
    plain = RoutingRequest(models=(), level=None, tier=Tier.PROFESSIONAL, platform_funded=KEYED)
    return msgspec.structs.replace(plain, **law.want)


def outcome(law: Law) -> Choice:
    def changed(one: Provider) -> Provider:
        return msgspec.structs.replace(one, **law.providers.get(one.slug, {}))

    models = tuple(
        msgspec.structs.replace(one, provider=changed(one.provider), **_changes(law, one))
        for one in catalog.MODELS
    )
    want = wanted(law)
    choice = choose(catalog.snapshot(models, law.rules, known=KNOWN), want, enough=None)
    return order(draw(choice, "s"), law.blocks, prompt_tokens=want.prompt_tokens, now_s=10)


def _changes(law: Law, model: Model) -> dict[str, Any]:
    return next((new for old, new in law.models.items() if old.id == model.id), {})


def written(choice: Choice) -> list[str]:
    return [
        f"{one.model.provider.slug}/{one.model.model_id}{'*' if one.key else ''}"
        for one in choice.candidates
    ]


@pytest.mark.parametrize("name", LAWS)
def test_law(name: str) -> None:
    law = LAWS[name]
    if isinstance(law.gives, str):
        with pytest.raises(SwitchyardError) as caught:
            outcome(law)
        assert caught.value.code == law.gives
        return
    choice = outcome(law)
    assert written(choice) == law.gives
    assert choice.ignores_health is law.panic
    dropped = {
        f"{one.model.provider.slug}/{one.model.model_id}": one.reason for one in choice.dropped
    }
    assert dropped.items() >= law.drops.items()


def test_there_are_sixty_laws_and_more() -> None:
    assert len(LAWS) >= 60
