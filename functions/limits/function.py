"""The bill of materials of limits."""

from __future__ import annotations

from functions.limits import handler
from functions.limits.quoter import Quoter
from shared.auth.authenticator import Authenticator
from shared.catalog.news.stream import News
from shared.function import Function
from shared.limits.changes import LimitChanges
from shared.limits.standing import Standings

LIMITS = Function(
    name="limits",
    handlers=[
        handler.list_own_limits,
        handler.quote,
        handler.list_limits,
        handler.create_limit,
        handler.read_limit,
        handler.change_limit,
        handler.delete_limit,
    ],
    opens=[Authenticator, LimitChanges, Standings, Quoter, News],
)
