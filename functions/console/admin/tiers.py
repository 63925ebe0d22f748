"""The admin's page of what each tier opens."""

from __future__ import annotations

from litestar import Response, get

from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import signed_in_admin
from shared.auth.guards import AnyRequest, resources_of
from shared.catalog.watch import SnapshotKeeper
from shared.routing.levels import tier_cards


@get(
    "/admin/tiers",
    guards=[signed_in_admin],
    exception_handlers=ERRORS,
    include_in_schema=False,
)
async def show_tiers(request: AnyRequest) -> Response[str]:
    """Levels, models and rules by tier; a tier opens all that a lower one does."""
    resources = resources_of(request)
    tiers = tier_cards(resources.get(SnapshotKeeper).snapshot)
    return resources.get(Pages).page(request, "tiers.html", tiers=tiers)
