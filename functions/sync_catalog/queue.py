"""How the clock calls this function."""

from __future__ import annotations

SYNC_ACTOR = "catalogue.sync"
SYNC_QUEUE = "catalogue"
