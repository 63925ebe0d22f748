"""The error for a name that no model has: what it may have been meant to be. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice

from shared.errors import UnknownModel
from shared.routing.deployment import Model
from shared.routing.fit import RoutingRequest, why_unfit
from shared.routing.names import named_provider
from shared.routing.open_catalog import UNLISTED, is_opened
from shared.routing.snapshot import Snapshot

_SHOWN = 100
_NEAR = 3
_ALIKE = 0.65
# difflib takes 10 us a name; a caller may ask for many that there are not.
_MOST_COMPARED = 150


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
