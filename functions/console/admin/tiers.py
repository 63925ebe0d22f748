"""The admin's page of what each tier opens."""

from __future__ import annotations

from litestar import Response, get

from functions.console.pages import Pages
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, resources_of
from shared.catalog.watch import SnapshotKeeper
from shared.routing.levels import tier_cards


@get("/admin/tiers", **ADMINS_PAGE)
async def show_tiers(request: AnyRequest) -> Response[str]:
    """Levels, models and rules by tier; a tier opens all that a lower one does."""
    resources = resources_of(request)
    tiers = tier_cards(resources.get(SnapshotKeeper).snapshot)
    return resources.get(Pages).page(request, "tiers.html", tiers=tiers)
