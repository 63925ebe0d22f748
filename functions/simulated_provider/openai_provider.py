"""OpenAI, and what every provider that follows it does unless its own class says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from functions.simulated_provider import openai_wire as wire
from functions.simulated_provider import rate_limits
from functions.simulated_provider.answer import Answer
from functions.simulated_provider.exchange import Headers
from functions.simulated_provider.faults import Faults
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest, decode


class OpenAI:
    """One provider's wire. Stateless: one instance serves all requests.

    `opening` goes out before a stream's first event and is none itself. `late_status` is the HTTP
    status of an answer that is no stream and fails late. `list_ms` is what its free endpoints take,
    each provider's another, so that checks of health show times that differ.
    """

    models: ClassVar[Sequence[str]] = ("simulated-small", "simulated-large")
    id_header: ClassVar[bytes] = b"x-request-id"
    opening: ClassVar[bytes] = b""
    late_status: ClassVar[int] = 500
    list_ms: ClassVar[int] = 36

    def authorize(self, key: str | None, headers: dict[bytes, bytes]) -> None:
        """Raises Refused where the request has no key, or one that says that it is invalid."""
        if not key:
            raise Refused("You didn't provide an API key.", status=401)
        if "invalid" in key:
            raise Refused("Incorrect API key provided.", status=401, code="invalid_api_key")

    def decode(self, body: bytes) -> ChatRequest:
        """Raises Refused."""
        return decode(body)

    def check(self, request: ChatRequest, answer: Answer) -> None:
        """Raises Refused for what this provider does not take."""

    def completion(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[bytes, Headers]:
        """The body, and the headers that depend on the answer."""
        usage = None if faults.no_usage else wire.usage(answer)
        return wire.completion(answer, request.model, usage), []

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        """Every SSE event of the whole stream, and the headers that depend on the answer."""
        asked = request.wants_usage_event() and not faults.no_usage
        usage = wire.usage(answer) if asked else None
        return wire.events(answer, request.model, faults.events, usage), []

    def refusal(self, refused: Refused, request_id: str) -> bytes:
        return wire.error(str(refused), code=refused.code, param=refused.param)

    def status_error(self, status: int, request_id: str) -> bytes:
        """The error this provider would send with `status`."""
        return wire.status_error(status)

    def late_error(self, request_id: str) -> bytes:
        """The body of an answer that is no stream and fails late."""
        return self.status_error(self.late_status, request_id)

    def error_event(self, request: ChatRequest, request_id: str) -> bytes:
        """The event that ends a stream early (openai 3.54.0 `_streaming.py` raises on `error`)."""
        return b"data: " + wire.status_error(self.late_status) + b"\n\n"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.openai(exhausted=exhausted)

    def model_list(self) -> bytes:
        return wire.model_list(self.models)

    def model_card(self, name: str) -> bytes:
        return wire.model_card(name)
