"""An error as OpenAI's clients read it: `{"error": {"message", "type", "param", "code"}}`.

Where a provider refused with a code of its own, `provider_code` tells that beside our stable one;
OpenAI's SDKs give it in their errors' `body`.
"""

from __future__ import annotations

import math

import msgspec

from shared.errors import AllCandidatesFailed, SwitchyardError, UpstreamError

_MAX_MESSAGE = 2000
_MAX_PARAM = 200


def encode_error(error: SwitchyardError) -> bytes:
    return msgspec.json.encode({"error": error_fields(error)})


def error_fields(error: SwitchyardError) -> dict[str, object]:
    """Cut to what a client may show: a caller's own text may be in it, however long."""
    body: dict[str, object] = {
        "message": error.message[:_MAX_MESSAGE],
        "type": error.type,
        "param": error.param and error.param[:_MAX_PARAM],
        "code": error.code,
    }
    if isinstance(error, UpstreamError) and error.provider_code is not None:
        body["provider_code"] = error.provider_code
    if isinstance(error, AllCandidatesFailed):
        body["attempts"] = error.attempts
    return body


def error_headers(error: SwitchyardError) -> list[tuple[str, str]]:
    """The headers an error carries: retry-after in whole seconds, never less than asked for.

    The official SDKs decide by x-should-retry where it is there (openai-python, _base_client.py).
    """
    headers: list[tuple[str, str]] = []
    if error.retry_after_s is not None:
        headers.append(("retry-after", str(math.ceil(error.retry_after_s))))
    if error.status in (401, 402, 403, 422):
        headers.append(("x-should-retry", "false"))
    if error.status == 401:
        headers.append(("www-authenticate", "Bearer"))
    return headers
