"""What went wrong with an attempt, and what the caller is told when all of them went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.completion.targets import Target
from shared.errors import (
    AllCandidatesFailed,
    Blame,
    DeadlineExceeded,
    PlatformKeyRefused,
    ProviderDeniedModel,
    ProviderLacksFeature,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    ServiceUnavailable,
    SwitchyardError,
    UnknownUpstreamModel,
    UpstreamError,
)
from shared.health.circuits_table import CircuitTable
from shared.ledger.record import Attempt
from shared.routing.attempts import Failed
from shared.routing.choice import Candidate
from shared.upstream.faults import (
    ConnectTimeout,
    DeadlineReached,
    TransportFault,
    UnreadableEncoding,
)
from shared.upstream.response import UpstreamResponse
from shared.wire.rate_limits import read_rate_limits
from shared.wire.refusal import read_refusal
from shared.wire.refusal_text import clean_text
from shared.wire.request_headers import secrets_in

_LOCAL_FAULT_WAIT_S = 5.0
_OPERATOR_WAIT_S = 60.0
_ALIKE = (ProviderTimeout, PlatformKeyRefused, ProviderDeniedModel, UnknownUpstreamModel)
"""Where all attempts failed alike, the error itself says more than that all failed."""

_LOW_DIGITS = 4


def failure_of(provider: str, fault: TransportFault) -> UpstreamError:
    error: UpstreamError
    if isinstance(fault, ConnectTimeout | DeadlineReached):
        error = ProviderTimeout(provider, f"{provider} did not answer in time.")
    elif isinstance(fault, UnreadableEncoding):
        error = ProviderUnavailable(
            provider, f"{provider} compressed its answer unasked, unreadably."
        )
    else:
        error = ProviderUnavailable(provider, f"The connection to {provider} failed.")
    error.detail = clean_text(str(fault))
    return error


def refused(
    candidate: Candidate, target: Target, answer: UpstreamResponse, body: bytes
) -> UpstreamError:
    """The error that an answer stands for: by its status, or inside a 200 by its code.

    The operator's own key at fault is never a 401; its cause is what the provider said of it.
    """
    provider, now = candidate.model.provider, datetime.now(UTC)
    retry_after = answer.header(b"retry-after")
    error = read_refusal(
        target.speaks_as, answer.status, body, retry_after, now, secrets_in(target.headers)
    )
    if isinstance(error, ProviderRateLimited) and error.retry_after_s is None:
        limits = read_rate_limits(answer.headers, target.speaks_as, now)
        resets = [one.reset_s for one in limits if one.remaining == 0 and one.reset_s is not None]
        error.retry_after_s = max(resets, default=None)
    if isinstance(error, ProviderDeniedModel) and candidate.key is None:
        error.message = f"{error.message} The key is the platform's: ask the operator."
    if not isinstance(error, ProviderRejectedKey | ProviderQuotaExhausted):
        return error
    if candidate.key is not None:
        error.message = f"{error.message} {_what_to_do(error, candidate)}"
        return error
    name = "The LiteLLM proxy" if target.via else provider.name
    answered = PlatformKeyRefused(
        error.provider,
        f"{name} rejected the platform's API key; ask the operator to replace it.",
    )
    answered.upstream_status = error.upstream_status
    answered.detail = error.detail
    answered.__cause__ = error
    return answered


def known_refusal(candidate: Candidate) -> ProviderRejectedKey | None:
    """The answer for a caller's key that is known to be refused: nothing is sent with it."""
    if candidate.key is None or not candidate.key.is_refused:
        return None
    provider = candidate.model.provider
    error = ProviderRejectedKey(provider.slug, f"{provider.name} rejected your API key.")
    error.message = f"{error.message} {_what_to_do(error, candidate)}"
    return error


def final_error(
    failed: Sequence[Failed], attempts: Sequence[Attempt], *, is_local: bool, is_late: bool
) -> SwitchyardError:
    """What the caller is told: the one error, or that every candidate failed, each with its own.

    `is_local`: no provider can be connected to, so it is our network; `is_late`: the request's
    deadline is reached.
    """
    errors = [one.error for one in failed]
    last = errors[-1]
    if last.blames is Blame.REQUEST:
        # What a second provider refuses too, the first has already said.
        return next((one for one in errors if isinstance(one, ProviderLacksFeature)), last)
    if is_late:
        return DeadlineExceeded("No provider answered within the request's deadline.")
    if is_local:
        return ServiceUnavailable(
            "No provider can be reached right now: the gateway's own network is down.",
            code="network_unavailable",
            retry_after_s=_LOCAL_FAULT_WAIT_S,
        )
    if all(isinstance(error, ProviderRateLimited) for error in errors):
        waits = [error.retry_after_s for error in errors if error.retry_after_s is not None]
        last.retry_after_s = min(waits, default=None)
        return last
    if all(error.blames is Blame.CREDENTIAL and not error.retryable for error in errors):
        return errors[0]
    if any(all(isinstance(error, kind) for error in errors) for kind in _ALIKE):
        if isinstance(last, PlatformKeyRefused) and last.retry_after_s is None:
            last.retry_after_s = _OPERATOR_WAIT_S
        return last
    return AllCandidatesFailed(
        "Every model that could serve this request failed: "
        + "; ".join(
            f"{one.provider}/{one.model}: {one.error} ({error.message.removesuffix('.')})"
            for one, error in zip(attempts, errors, strict=True)
        )
        + ".",
        tuple(
            {
                "provider": one.provider,
                "model": one.model,
                "status": one.status,
                "error": one.error,
                "message": error.message,
                "latency_ms": one.latency_ms,
            }
            for one, error in zip(attempts, errors, strict=True)
        ),
    )


def _what_to_do(error: UpstreamError, candidate: Candidate) -> str:
    slug = candidate.model.provider.slug
    if isinstance(error, ProviderQuotaExhausted):
        return f"Add credit there, or disable the key: PATCH /api/v1/llm/byok/keys/{slug}."
    return (
        "Replace it with POST /api/v1/llm/byok/keys, or disable it with "
        f"PATCH /api/v1/llm/byok/keys/{slug}."
    )


def learn_limits(
    circuits: CircuitTable, candidate: Candidate, target: Target, answer: UpstreamResponse
) -> None:
    """Read the rate-limit headers, but only where one says that little is left.

    To read them all costs 20 us; to look for a short number, less than one.
    """
    for name, value in answer.headers:
        is_short = len(value) <= _LOW_DIGITS and b"remaining" in name
        if is_short and (value == b"0" or b"token" in name):
            limits = read_rate_limits(answer.headers, target.speaks_as, datetime.now(UTC))
            circuits.learn(candidate, limits)
            return
