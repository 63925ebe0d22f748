"""What a request is refused with where a row of `limits` holds it back; `param` is its scope."""

from __future__ import annotations

from shared.errors import ServiceUnavailable, SwitchyardError
from shared.limits.limit import Scope


class LimitReached(SwitchyardError):
    """There is less left than the request may need."""

    @property
    def is_of_what_serves(self) -> bool:
        """Whether another model or key may serve the request yet."""
        return self.param in (Scope.MODEL, Scope.CREDENTIAL)


class RateLimited(LimitReached):
    """Of requests or tokens a minute, or of open requests."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class BudgetExceeded(LimitReached):
    """Of money; `left_nano_usd` is what there is."""

    status = 402
    type = "insufficient_quota"
    code = "budget_exceeded"
    left_nano_usd = 0


class BudgetUnknown(ServiceUnavailable):
    """What is left cannot be known: nobody spends of it until it can."""

    code = "budget_unavailable"
