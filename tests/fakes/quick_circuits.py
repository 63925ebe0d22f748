"""The gateway with circuits that open for 2 s where it is 30: its clock, made to go faster.

Everything else is as it is deployed.
"""

from __future__ import annotations

from shared.health import circuits

circuits.OPEN_S = 2.0

from functions.gateway.app import app  # noqa: E402  after the clock is set

__all__ = ["app"]
