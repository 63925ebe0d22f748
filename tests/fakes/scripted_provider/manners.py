"""How a provider answers, where it differs from the shipped one: OpenAI, and Anthropic."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from functions.simulated_provider.answer import Answer
from tests.fakes.scripted_provider import rate_limits
from tests.fakes.scripted_provider.asked import Asked
from tests.fakes.scripted_provider.exchange import Headers

CONTEXT_TOKENS = 131_072
_encode = msgspec.json.encode
# The status, the message and the field at fault.
Refusal = tuple[int, str, str]


def cost_usd(said: Answer) -> float:
    """1 USD a million prompt tokens, 2 USD a million completion tokens: nobody's price."""
    return (said.prompt_tokens + 2 * said.completion_tokens) / 1_000_000


class OpenAI:
    """OpenAI, and what every provider that follows it does unless its own class says otherwise.

    `opening` goes out before a stream's first event and is none itself. `late_status` is the HTTP
    status of an answer that is no stream and fails late.
    """

    opening: ClassVar[bytes] = b""
    late_status: ClassVar[int] = 500

    def refuses(self, asked: Asked, said: Answer) -> Refusal | None:
        """What this provider does not take, where the shipped one does."""
        return None

    def refusal(self, status: int, body: bytes) -> bytes:
        """The shipped provider's refusal, in this one's shape."""
        return body

    def completion(self, body: bytes, asked: Asked, said: Answer) -> tuple[bytes, Headers]:
        """The body, and the headers that depend on the answer."""
        return body, []

    def events(
        self, events: list[bytes], asked: Asked, said: Answer
    ) -> tuple[list[bytes], Headers]:
        """Every SSE event of the whole stream, and the headers that depend on the answer."""
        return events, []

    def free(self, path: str, body: bytes) -> bytes:
        """A list of models, one model, or key information."""
        return body

    def error(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> bytes:
        return _openai_error(status, message, code, param)

    def status_error(self, status: int, request_id: str) -> bytes:
        """The error this provider would send with `status`."""
        codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
        return self.error(status, _as_asked(status), request_id, code=codes.get(status))

    def late_error(self, request_id: str) -> bytes:
        """The body of an answer that is no stream and fails late."""
        return self.status_error(self.late_status, request_id)

    def error_event(self, asked: Asked, request_id: str) -> bytes:
        """The event that ends a stream early (openai 3.54.0 `_streaming.py` raises on `error`)."""
        return b"data: " + _openai_error(500, _as_asked(500)) + b"\n\n"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.openai(exhausted=exhausted)


def _openai_error(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> bytes:
    kind = "invalid_request_error"
    if status == 429:
        kind = "requests"
    elif status >= 500:
        kind = "server_error"
    said = {"message": message, "type": kind, "param": param, "code": code}
    return _encode({"error": said})


def _as_asked(status: int) -> str:
    return f"Simulated error {status}, as the request asked for."


def message_of(body: bytes) -> str:
    return msgspec.json.decode(body)["error"]["message"]


# platform.claude.com/docs/en/api/errors; the SDK's shared/error_type.py.
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic(OpenAI):
    late_status: ClassVar[int] = 529

    def error(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> bytes:
        """Other statuses are `invalid_request_error` below 500 and `api_error` from there on."""
        other = "api_error" if status >= 500 else "invalid_request_error"
        said = {"type": _ANTHROPIC_TYPES.get(status, other), "message": message}
        return _encode({"type": "error", "error": said, "request_id": request_id})

    def error_event(self, asked: Asked, request_id: str) -> bytes:
        return b"event: error\ndata: " + self.late_error(request_id) + b"\n\n"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.anthropic(exhausted=exhausted)
