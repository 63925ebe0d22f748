"""What a request is refused with where a row of `limits` holds it back; `param` is its scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.errors import ServiceUnavailable, SwitchyardError
from shared.limits.limit import Scope

if TYPE_CHECKING:
    from shared.limits.lease import Lease


class LimitReached(SwitchyardError):
    """There is less left than the request may need; `rates` are those that the request met."""

    rates: Sequence[Lease] = ()

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
    """Of money; `left_nano_usd` is what there is. `steps_down`: a cheaper level may serve."""

    status = 402
    type = "insufficient_quota"
    code = "budget_exceeded"
    left_nano_usd = 0
    steps_down = False


class BudgetUnknown(ServiceUnavailable):
    """What is left cannot be known: nobody spends of it until it can."""

    code = "budget_unavailable"
