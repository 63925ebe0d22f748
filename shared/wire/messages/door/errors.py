"""An error as Anthropic's clients read it (platform.claude.com, "Errors"; anthropic-sdk-python,
types/shared/error_response.py), with our stable `code` and the `param` at fault beside its type."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.errors import SwitchyardError
from shared.wire.dialect import Reader
from shared.wire.error_body import error_fields
from shared.wire.parse.sse import named_event

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_SERVERS_FAULT: Final = 500


def encode_error(error: SwitchyardError, request_id: str) -> bytes:
    other = "api_error" if error.status >= _SERVERS_FAULT else "invalid_request_error"
    fields = {**error_fields(error), "type": _TYPES.get(error.status, other)}
    return msgspec.json.encode({"type": "error", "error": fields, "request_id": request_id})


def error_event(error: SwitchyardError, request_id: str, reader: Reader | None = None) -> bytes:
    return named_event("error", encode_error(error, request_id))
