"""A provider's refusal, by status and documented code alone, never by its wording.

Sources: OpenAI's error codes guide (insufficient_quota, context_length_exceeded, content_filter,
model_not_found); RFC 9110, section 10.2.3 (Retry-After: seconds or an HTTP date).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from shared.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)


class _Detail(msgspec.Struct, frozen=True):
    code: str | int | None = None
    type: str | None = None
    param: str | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: _Detail | None = None


_refusal = msgspec.json.Decoder(_Refusal)


def read_refusal(
    provider: str, status: int, body: bytes, retry_after: bytes | None, now: datetime
) -> UpstreamError:
    """The error that `status` and the code in `body` stand for; its text is ours."""
    detail = _detail(body)
    code = detail.code
    kind: type[UpstreamError]
    if status in (401, 403):
        kind, message = ProviderRejectedKey, f"{provider} refused the API key."
    elif status == 402 or code == "insufficient_quota":
        kind, message = ProviderQuotaExhausted, f"The key's account at {provider} has no credit."
    elif status == 429:
        kind, message = ProviderRateLimited, f"{provider} answered that the rate limit is reached."
    elif status in (408, 504):
        kind, message = ProviderTimeout, f"{provider} gave up on the request in time."
    elif status >= 500:
        kind, message = ProviderUnavailable, f"{provider} answered {status}."
    elif status == 404:
        kind, message = UnknownUpstreamModel, f"{provider} does not know this model."
    elif code == "context_length_exceeded":
        kind, message = ContextTooLong, "The messages are longer than the model's context window."
    elif code in ("content_filter", "content_policy_violation"):
        kind, message = ContentFiltered, f"{provider}'s content filter refused the request."
    else:
        kind, message = ProviderRefusedRequest, f"{provider} refused the request ({status})."
    error = kind(
        provider,
        message,
        upstream_status=status,
        retry_after_s=read_retry_after(retry_after, now),
    )
    if error.blames == "request":
        error.param = detail.param if detail.param and detail.param.isprintable() else None
    return error


def read_retry_after(value: bytes | None, now: datetime) -> float | None:
    """Seconds to wait from `now`, or None where the header is absent or not understood."""
    if value is None:
        return None
    text = value.decode("latin-1").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass  # then it is a date (RFC 9110, section 10.2.3)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _detail(body: bytes) -> _Detail:
    try:
        return _refusal.decode(body).error or _Detail()
    except (msgspec.DecodeError, RecursionError):
        return _Detail()
