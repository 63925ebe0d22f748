"""The error for a request that no deployment fits, or whose name no model has: what stood in the
way, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from shared.errors import InvalidField, ModelUnpriced, NotAllowed, SwitchyardError, UnknownModel
from shared.routing.choice import Dropped
from shared.routing.deployment import Kind, Model, Opens
from shared.routing.fit import DropReason, RoutingRequest, why_unfit
from shared.routing.names import is_opened, named_provider
from shared.routing.open_catalog import UNLISTED
from shared.routing.snapshot import PowerLevel, Snapshot

NOT_A_CHAT_MODEL = "not_a_chat_model"
NOT_AN_EMBEDDING_MODEL = "not_an_embedding_model"

_SHOWN = 100
_NEAR = 3
_ALIKE = 0.65
# difflib takes 10 us a name; a caller may ask for many that there are not.
_MOST_COMPARED = 150

_FIELD_AT_FAULT = {
    DropReason.NOT_LOCAL: "privacy_required",
    DropReason.NO_STREAMING: "stream",
    DropReason.NO_TOOLS: "tools",
    DropReason.NO_VISION: "messages",
    DropReason.NO_AUDIO: "messages",
    DropReason.NO_FILES: "messages",
    DropReason.UNPRICED_SERVICE_TIER: "service_tier",
    DropReason.NO_JSON_MODE: "response_format",
    DropReason.OVER_MAX_COST: "max_cost_usd",
    DropReason.UNPRICED: "max_cost_usd",
}


def unserved(
    level: PowerLevel | None, dropped: Iterable[Dropped], request: RoutingRequest
) -> SwitchyardError:
    """Names what stood in the way of the first, which the caller most likely meant."""
    first = next(iter(dropped), None)
    subject = f"power level '{level.name}'" if level else "this request"
    if first is None:
        return NotAllowed(f"No model is set up for {subject}.", code="no_candidate")
    about_model = _about_model(first, request)
    if about_model is not None:
        return about_model
    if first.reason is DropReason.CONTEXT_TOO_SMALL:
        embeds = request.kind is Kind.EMBEDDING
        what = "longest input does" if embeds else "messages do"
        return InvalidField(
            f"The {what} not fit the context window of any model for {subject}.",
            param="input" if embeds else "messages",
            code="context_length_exceeded",
        )
    name = f"{first.model.provider.slug}/{first.model.model_id}"
    return InvalidField(
        f"No model can serve {subject}: {name} was dropped because of '{first.reason}'.",
        param=_FIELD_AT_FAULT.get(first.reason, "model"),
        code="no_candidate",
    )


def _about_model(dropped: Dropped, request: RoutingRequest) -> SwitchyardError | None:
    """Where the model itself is not to be had, whatever is asked of it."""
    provider = dropped.model.provider
    name = f"{provider.slug}/{dropped.model.model_id}"
    match dropped.reason:
        case DropReason.TIER_TOO_LOW:
            message = f"{name} is not open to the {request.tier} tier."
            return NotAllowed(message, param="model", code="tier_not_allowed")
        case DropReason.NO_KEY:
            message = (
                f"There is no API key for {provider.name}; store your own, or ask the operator."
            )
            return NotAllowed(message, param="model", code="no_provider_key")
        case DropReason.NOT_ALLOWED_FOR_TOKEN:
            message = f"This token may not use {name}."
            return NotAllowed(message, param="model", code="model_not_allowed")
        case DropReason.NOT_OPENED:
            message = (
                f"{name} {_why_closed(dropped.model)} Ask the operator to add it, or name another"
                " model; GET /v1/models lists those that you can use."
            )
            return NotAllowed(message, param="model", code="model_not_opened")
        case DropReason.NOT_CHAT:
            what_to_do = "GET /v1/models lists those that are."
            if dropped.model.kind is Kind.EMBEDDING:
                what_to_do = "it embeds texts: send them to POST /v1/embeddings."
            message = f"{name} is not a chat model; {what_to_do}"
            return InvalidField(message, param="model", code=NOT_A_CHAT_MODEL)
        case DropReason.NOT_EMBEDDING:
            message = (
                f"{name} is not an embedding model; GET /v1/models lists those that are, with"
                " kind 'embedding'."
            )
            return InvalidField(message, param="model", code=NOT_AN_EMBEDDING_MODEL)
        case DropReason.MODEL_UNPRICED:
            message = (
                f"The price of {name} is unknown, and the platform pays for no model without a"
                f" price; choose another model, or store your own key for {provider.name}."
            )
            return ModelUnpriced(message, param="model")
        case DropReason.MODEL_INACTIVE:
            message = f"{name} is switched off; GET /v1/models lists models that are on."
            return UnknownModel(message, param="model")
        case DropReason.PROVIDER_INACTIVE:
            message = f"{name} cannot be used: the provider {provider.name} is switched off."
            return UnknownModel(message, param="model")
        case _:
            return None


def _why_closed(model: Model) -> str:
    """Why no key of its provider serves a model that no row lists."""
    if model.provider.opens is Opens.LISTED:
        return f"is not listed, and only listed models of {model.provider.name} are served."
    return "is not listed, and its price is not known. Your own key at the provider serves it."


def unknown_model(snapshot: Snapshot, name: str, request: RoutingRequest) -> UnknownModel:
    """Names the nearest that this caller could mean, else where all are listed."""
    provider, model_id = named_provider(snapshot, name)
    near = near_names(snapshot, name, request)
    what = " GET /v1/models lists those that do."
    if near:
        what = f" Did you mean {' or '.join(f'{one!r}' for one in near)}?{what}"
    if provider is not None:
        what += (
            f" If {provider.name} has '{model_id[:_SHOWN]}', store your own key there, or ask the"
            " operator to add the model."
        )
    return UnknownModel(f"The model '{name[:_SHOWN]}' does not exist.{what}", param="model")


def near_names(snapshot: Snapshot, name: str, request: RoutingRequest) -> list[str]:
    """Names that this caller can ask for and that begin alike, the nearest first."""
    near = dict(snapshot.open_catalog.names_near(name, snapshot.providers, _MOST_COMPARED))
    aliases = [one for one in snapshot.aliases.exact if one.startswith(name[:2])]
    names = [*aliases[:_MOST_COMPARED], *near]
    alike = get_close_matches(name[:_SHOWN], names, 4 * _NEAR, _ALIKE)
    served = (one for one in alike if one not in near or _may_ask(near[one], request))
    return list(islice(served, _NEAR))


def _may_ask(model: Model, request: RoutingRequest) -> bool:
    is_served = model.id != UNLISTED or is_opened(model) or request.own_key(model.provider)
    return bool(is_served) and why_unfit(model, request) is None
