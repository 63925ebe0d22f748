"""Whether one deployment can serve a request, and if not, why. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.pricing.bound import MostTokens, affordable_answer, is_boundable
from shared.routing.allowed import allows
from shared.routing.deployment import Kind
from shared.routing.open_catalog import UNLISTED
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Model, PowerLevel, Provider, Tier
from shared.wire.chat.bounded import Worst
from shared.wire.provider import ANTHROPIC
from shared.wire.providers import provider_of


class DropReason(StrEnum):
    """Why a model is not a candidate."""

    MODEL_INACTIVE = "model_inactive"
    PROVIDER_INACTIVE = "provider_inactive"
    TIER_TOO_LOW = "tier_too_low"
    NOT_ALLOWED_FOR_TOKEN = "not_allowed_for_token"  # noqa: S105  a reason, not a secret
    NOT_OPENED = "not_opened"
    NOT_CHAT = "not_chat"
    NOT_EMBEDDING = "not_embedding"
    GONE = "gone"
    NOT_LOCAL = "not_local"
    NO_STREAMING = "no_streaming"
    NO_TOOLS = "no_tools"
    NO_VISION = "no_vision"
    NO_AUDIO = "no_audio"
    NO_FILES = "no_files"
    NO_JSON_MODE = "no_json_mode"
    CONTEXT_TOO_SMALL = "context_too_small"
    OVER_PRICE_CEILING = "over_price_ceiling"
    UNPRICED = "unpriced"
    MODEL_UNPRICED = "model_unpriced"
    OVER_MAX_COST = "over_max_cost"
    UNPRICED_SERVICE_TIER = "unpriced_service_tier"
    PRICED_BESIDE_TOKENS = "priced_beside_tokens"
    DEPRECATED = "deprecated"
    NO_KEY = "no_key"
    NO_CONSENT = "no_consent"


MIN_ANSWER_TOKENS = 16
"""Where max_cost_usd leaves less for the answer it is refused: it would be paid for and useless."""


class RoutingRequest(msgspec.Struct, frozen=True):
    """What a request asks of the router. Equal ones get equal choices, so one can be remembered.

    `models` are tried in this order; each is a listed id, `provider/model`, a power level or
    `auto`. `prompt_tokens` is an estimate. `max_cost_pico_usd` bounds the `worst` case, which is
    known wherever there is such a bound.
    `json_schema` says of `json_mode` that a schema is given. `kind`: of model that can answer it.
    `platform_funded` holds the slugs of providers that the platform can pay for, and with
    `refuses_unpriced` it pays for no model without a price there; `own_keys` are the caller's.
    """

    models: tuple[str, ...]
    level: str | None
    tier: Tier
    platform_funded: frozenset[str]
    own_keys: tuple[OwnKey, ...] = ()
    allowed_models: frozenset[str] | None = None
    task_type: str | None = None
    streams: bool = False
    tools: bool = False
    vision: bool = False
    audio: bool = False
    files: bool = False
    json_mode: bool = False
    json_schema: bool = False
    local_only: bool = False
    prompt_tokens: int = 0
    max_tokens: int | None = None
    max_cost_pico_usd: int | None = None
    worst: Worst | None = None
    kind: Kind = Kind.CHAT
    refuses_unpriced: bool = False

    def own_key(self, provider: Provider) -> OwnKey | None:
        """The caller's own key at `provider`; where own keys are not supported there is none."""
        if not self.own_keys or not provider.is_byok_supported:
            return None
        return next((key for key in self.own_keys if key.provider == provider.slug), None)

    def platform_refuses(self, model: Model) -> bool:
        """Whether only the caller's own key may pay for `model`, as its price is not known."""
        return self.refuses_unpriced and model.price is None


def why_unfit(
    model: Model, request: RoutingRequest, ceiling: PowerLevel | None = None
) -> DropReason | None:
    """The first reason for which `model` cannot serve `request`; None where it can.

    `ceiling`: the level whose price ceiling holds for it.
    """
    provider = model.provider
    for unmet, reason in (
        (not model.is_active, DropReason.MODEL_INACTIVE),
        (not provider.is_active, DropReason.PROVIDER_INACTIVE),
        (not request.tier.meets(model.min_tier), DropReason.TIER_TOO_LOW),
        (not request.tier.meets(provider.min_tier), DropReason.TIER_TOO_LOW),
        (not _is_allowed(model, request), DropReason.NOT_ALLOWED_FOR_TOKEN),
        (_cannot_chat(model, request), DropReason.NOT_CHAT),
        (_cannot_embed(model, request), DropReason.NOT_EMBEDDING),
        (request.local_only and not provider.is_local, DropReason.NOT_LOCAL),
        (request.streams and not model.supports_streaming, DropReason.NO_STREAMING),
        (request.tools and not model.supports_function_calling, DropReason.NO_TOOLS),
        (request.vision and not model.supports_vision, DropReason.NO_VISION),
        (request.audio and _takes_no_audio(model), DropReason.NO_AUDIO),
        (request.files and _takes_no_files(model), DropReason.NO_FILES),
        (request.json_mode and _gives_no_json(model, request), DropReason.NO_JSON_MODE),
        (_overflows(model, request), DropReason.CONTEXT_TOO_SMALL),
        (not _is_paid_for(provider, request), DropReason.NO_KEY),
        (_is_unpriced(model, request), DropReason.MODEL_UNPRICED),
    ):
        if unmet:
            return reason
    return _too_dear(model, request, ceiling)


def affordable_tokens(model: Model, request: RoutingRequest) -> int | None:
    """The tokens of each answer that `max_cost_usd` pays for beside the prompt; None: no bound.

    For the longest that the prompt may turn out to be, and at the dearest rates that may hold.
    """
    if request.max_cost_pico_usd is None or model.price is None:
        return None
    return affordable_answer(model.price, most_tokens(model, request), request.max_cost_pico_usd)


def most_tokens(model: Model, request: RoutingRequest) -> MostTokens:
    """What the request may use at `model` at most, beside its answers: no more than its window."""
    worst = request.worst or Worst(request.prompt_tokens)
    provider = provider_of(model.provider.slug)
    text = worst.text_tokens + worst.images * provider.most_image_tokens(model.model_id)
    window = model.context_window
    window = None if window is None else window * worst.inputs
    return MostTokens(
        text=text if window is None else min(text, window),
        audio=worst.audio_tokens if window is None else min(worst.audio_tokens, window),
        predicted=worst.predicted_tokens,
        answers=worst.answers,
        service_tier=worst.service_tier,
        # Anthropic writes what it is asked to; another that has a price for it may do so unasked.
        is_cached_unasked=model.provider.dialect != ANTHROPIC,
        is_cached_on_demand=worst.writes_cache,
    )


def most_estimated(window: int) -> int:
    """The longest estimate of prompt and answer that is still tried at a context window.

    An estimate may be a fifth too high, and the provider says itself what does not fit.
    """
    return window * 5 // 4


def _is_allowed(model: Model, request: RoutingRequest) -> bool:
    allowed = request.allowed_models
    return allowed is None or allows(allowed, model.provider.slug, model.model_id)


def _cannot_chat(model: Model, request: RoutingRequest) -> bool:
    return request.kind is Kind.CHAT and model.kind not in (None, Kind.CHAT)


def _cannot_embed(model: Model, request: RoutingRequest) -> bool:
    """Of a model whose kind nobody knows: a price of answers says that it writes some."""
    if request.kind is not Kind.EMBEDDING:
        return False
    provider = model.provider
    if provider.dialect == ANTHROPIC or not provider_of(provider.slug).embeds:
        return True
    writes = model.price is not None and model.price.base.output > 0
    return model.kind is not Kind.EMBEDDING and (model.kind is not None or writes)


def _is_paid_for(provider: Provider, request: RoutingRequest) -> bool:
    return provider.slug in request.platform_funded or request.own_key(provider) is not None


def _is_unpriced(model: Model, request: RoutingRequest) -> bool:
    return request.platform_refuses(model) and request.own_key(model.provider) is None


def _takes_no_audio(model: Model) -> bool:
    """Whether that is known: what is not known is tried."""
    # An Anthropic-compatible server is spoken to in Messages, which have no audio.
    speaks_messages = model.provider.dialect == ANTHROPIC
    takes_none = provider_of(model.provider.slug).takes_audio is False
    return speaks_messages or takes_none or model.takes_audio is False


def _takes_no_files(model: Model) -> bool:
    return provider_of(model.provider.slug).takes_files is False or model.takes_files is False


def _gives_no_json(model: Model, request: RoutingRequest) -> bool:
    """Messages carry a schema (`output_config.format`), and know no JSON without one.

    So a row's flag says nothing of schemas there; what is known of an unlisted model does.
    """
    is_listed, speaks_messages = model.id != UNLISTED, model.provider.dialect == ANTHROPIC
    if request.json_schema and is_listed and speaks_messages:
        return False
    return not model.supports_json_mode


def _overflows(model: Model, request: RoutingRequest) -> bool:
    if model.context_window is None:
        return False
    tokens = request.prompt_tokens + (request.max_tokens or 0)
    return tokens > most_estimated(model.context_window)


def _too_dear(
    model: Model, request: RoutingRequest, ceiling: PowerLevel | None
) -> DropReason | None:
    if model.price is None:
        bounded = ceiling is not None or request.max_cost_pico_usd is not None
        return DropReason.UNPRICED if bounded else None
    if ceiling is not None and model.price.base.blended > ceiling.price_ceiling:
        return DropReason.OVER_PRICE_CEILING
    if request.max_cost_pico_usd is not None:
        beside = provider_of(model.provider.slug).priced_beside_tokens
        if beside is not None and beside.search(model.model_id):
            return DropReason.PRICED_BESIDE_TOKENS
        tier = request.worst.service_tier if request.worst else None
        if not is_boundable(model.price, tier):
            return DropReason.UNPRICED_SERVICE_TIER
    affordable = affordable_tokens(model, request)
    if affordable is None or affordable >= min(MIN_ANSWER_TOKENS, request.max_tokens or 10**9):
        return None
    return DropReason.OVER_MAX_COST
