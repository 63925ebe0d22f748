"""Every error Switchyard answers with.

    SwitchyardError
    ├── RequestRefused                 400  the request itself is at fault
    │   ├── NotFound, RouteNotFound    404  there is none, or it is another's
    │   ├── Conflict                   409  what is there already forbids it
    │   ├── Unprocessable               422  well formed, and against a rule
    │   ├── MalformedBody              400
    │   ├── InvalidField               400  names `param`
    │   │   └── ModelUnpriced          400  what it costs is not known, and UNPRICED_POLICY refuses
    │   ├── UnknownModel               404
    │   ├── MethodNotAllowed           405
    │   └── BodyTooSlow 408, BodyTooLarge 413, UnknownEncoding 415
    ├── NotAuthenticated               401  MissingToken, InvalidToken
    ├── NotAllowed                     403  role, tier or model
    ├── LimitReached              402, 429  RateLimited, BudgetExceeded: limits/reached.py
    ├── ServiceUnavailable             503  our own fault, with `retry_after_s`: SpoolFull, NotReady
    ├── DeadlineExceeded               504
    ├── AllCandidatesFailed            502  carries the attempts
    └── UpstreamError                       one attempt at a provider failed
        ├── ProviderRateLimited        429  retryable  blames the credential
        ├── ProviderUnavailable        502  retryable  blames the provider
        ├── ProviderTimeout            504  retryable  blames the provider
        ├── ProviderRejectedKey        401             blames the credential
        ├── ProviderQuotaExhausted     402             blames the credential
        ├── StoredKeyUnreadable        422             blames the credential; StoredKeyHostChanged
        ├── PlatformKeyRefused         503  retryable  blames us
        ├── ProviderRefusedRequest     400             blames the request
        │   ├── ProviderLacksFeature   400             another provider may take it
        │   ├── ContextTooLong         400
        │   └── ContentFiltered        400
        ├── UnknownUpstreamModel       404  retryable  blames the model
        │   └── ProviderDeniedModel    403             for this key alone
        └── StreamCut                  502             blames the provider

The wire shape is OpenAI's (wire/error_body.py). `retryable`, and for some routing/attempts.py, says
whether another candidate may be tried. What comes from upstream is cleaned (wire/refusal_text.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Blame(StrEnum):
    """Whose fault a failed attempt is: what health and circuits count it against."""

    PROVIDER = "provider"
    MODEL = "model"
    CREDENTIAL = "credential"
    REQUEST = "request"
    US = "us"


class SwitchyardError(Exception):
    """An answerable error: HTTP status, OpenAI's `type`, a stable `code`, the param at fault."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    code: str = "internal_error"
    retry_after_s: float | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.retry_after_s = self.retry_after_s if retry_after_s is None else retry_after_s


class RequestRefused(SwitchyardError):
    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class MalformedBody(RequestRefused):
    code = "invalid_json"


class InvalidField(RequestRefused):
    code = "invalid_value"


class ModelUnpriced(InvalidField):
    code = "model_unpriced"


class UnknownModel(RequestRefused):
    status = 404
    code = "model_not_found"


class NotFound(RequestRefused):
    status = 404
    code = "not_found"


class Conflict(RequestRefused):
    status = 409
    code = "conflict"


class Unprocessable(RequestRefused):
    status = 422
    code = "unprocessable"


class RouteNotFound(NotFound):
    """There is no such route."""


class MethodNotAllowed(RequestRefused):
    status = 405
    code = "method_not_allowed"


class BodyTooSlow(RequestRefused):
    status = 408
    code = "body_too_slow"


class BodyTooLarge(RequestRefused):
    status = 413
    code = "body_too_large"


class UnknownEncoding(RequestRefused):
    status = 415
    code = "unsupported_content_encoding"


class NotAuthenticated(SwitchyardError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class MissingToken(NotAuthenticated):
    code = "missing_api_key"


class InvalidToken(NotAuthenticated):
    code = "invalid_api_key"


class NotAllowed(SwitchyardError):
    status = 403
    type = "permission_error"
    code = "not_allowed"


class ServiceUnavailable(SwitchyardError):
    status = 503
    code = "service_unavailable"
    retry_after_s = 1.0


class SpoolFull(ServiceUnavailable):
    code = "usage_spool_full"


class NotReady(ServiceUnavailable):
    code = "not_ready"


class DeadlineExceeded(SwitchyardError):
    status = 504
    code = "deadline_exceeded"


class AllCandidatesFailed(SwitchyardError):
    """Every candidate was tried or passed over; `attempts` says how each one failed."""

    status = 502
    code = "all_candidates_failed"

    def __init__(self, message: str, attempts: tuple[dict[str, object], ...]) -> None:
        super().__init__(message)
        self.attempts = attempts


class UpstreamError(SwitchyardError):
    """One attempt failed. `retryable`: another candidate may be tried. `blames`: whose fault.

    `provider_code` and `detail` (one line, 500 characters at most) are the provider's own, cleaned.
    """

    upstream_status: int | None = None
    provider_code: str | None = None
    detail: str | None = None
    status = 502
    retryable: ClassVar[bool] = False
    blames: ClassVar[Blame] = Blame.PROVIDER

    def __init__(self, provider: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.provider = provider


class ProviderRateLimited(UpstreamError):
    status = 429
    type = "rate_limit_error"
    code = "provider_rate_limited"
    retryable = True
    blames = Blame.CREDENTIAL


class ProviderUnavailable(UpstreamError):
    code = "provider_unavailable"
    retryable = True


class ProviderTimeout(UpstreamError):
    status = 504
    code = "provider_timeout"
    retryable = True


class ProviderRejectedKey(UpstreamError):
    status = 401
    type = "authentication_error"
    code = "provider_key_rejected"
    blames = Blame.CREDENTIAL


class ProviderQuotaExhausted(UpstreamError):
    status = 402
    type = "insufficient_quota"
    code = "provider_quota_exhausted"
    blames = Blame.CREDENTIAL


class StoredKeyUnreadable(UpstreamError):
    """The caller's stored key was damaged or is not theirs: nothing is sent, nor paid by others."""

    status = 422
    type = "invalid_request_error"
    code = "provider_key_unreadable"
    blames = Blame.CREDENTIAL


class StoredKeyHostChanged(StoredKeyUnreadable):
    """The provider has moved to another host since the caller's key was sealed to the old one."""

    code = "provider_key_host_changed"


class PlatformKeyRefused(UpstreamError):
    """The operator's own key was refused or has no credit left: never the caller's 401."""

    status = 503
    code = "platform_key_refused"
    retryable = True
    blames = Blame.US


class ProviderRefusedRequest(UpstreamError):
    status = 400
    type = "invalid_request_error"
    code = "provider_refused_request"
    blames = Blame.REQUEST


class ProviderLacksFeature(ProviderRefusedRequest):
    """A field, part, tool or schema that this provider does not know and another may."""


class ContextTooLong(ProviderRefusedRequest):
    code = "context_length_exceeded"


class ContentFiltered(ProviderRefusedRequest):
    code = "content_filter"


class UnknownUpstreamModel(UpstreamError):
    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    retryable = True
    blames = Blame.MODEL


class ProviderDeniedModel(UnknownUpstreamModel):
    status = 403
    type = "permission_error"
    code = "provider_denied_model"


class StreamCut(UpstreamError):
    code = "stream_cut"
