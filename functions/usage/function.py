"""The bill of materials of usage."""

from __future__ import annotations

from functions.usage import handler
from shared.auth.authenticator import Authenticator
from shared.function import Function

USAGE = Function(
    name="usage",
    handlers=[
        handler.list_usage,
        handler.summarize_usage,
        handler.export_usage,
        handler.list_all_usage,
        handler.summarize_all_usage,
        handler.export_all_usage,
    ],
    opens=[Authenticator],
)
