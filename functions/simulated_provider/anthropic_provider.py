"""Anthropic: the Messages API and the list of models."""

from __future__ import annotations

from typing import ClassVar

from functions.simulated_provider import anthropic_request, rate_limits
from functions.simulated_provider import anthropic_wire as wire
from functions.simulated_provider.answer import Answer
from functions.simulated_provider.exchange import Headers
from functions.simulated_provider.faults import Faults
from functions.simulated_provider.openai_provider import OpenAI
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest


class Anthropic(OpenAI):
    """The id of a request is in `request-id` and in the errors (…/docs/en/api/errors)."""

    id_header: ClassVar[bytes] = b"request-id"
    list_ms: ClassVar[int] = 44
    late_status: ClassVar[int] = 529

    def authorize(self, key: str | None, headers: dict[bytes, bytes]) -> None:
        """A bearer token will do as well as x-api-key (anthropic 2.13.0 `_client.py`, auth_token);
        `anthropic-version` has no default (platform.claude.com/docs/en/api/versioning)."""
        if not key:
            raise Refused("x-api-key header is required", status=401)
        if "invalid" in key:
            raise Refused("invalid x-api-key", status=401)
        if not headers.get(b"anthropic-version"):
            raise Refused("anthropic-version: header is required")

    def decode(self, body: bytes) -> ChatRequest:
        return anthropic_request.decode(body)

    def completion(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[bytes, Headers]:
        return wire.message(answer, request.model, usage=not faults.no_usage), []

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        usage = not faults.no_usage
        return wire.events(answer, request.model, faults.events, usage=usage), []

    def refusal(self, refused: Refused, request_id: str) -> bytes:
        return wire.error(refused.status, str(refused), request_id)

    def status_error(self, status: int, request_id: str) -> bytes:
        said = f"Simulated error {status}, as the request asked for."
        return wire.error(status, said, request_id)

    def error_event(self, request: ChatRequest, request_id: str) -> bytes:
        return wire.event("error", self.late_error(request_id))

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.anthropic(exhausted=exhausted)

    def model_list(self) -> bytes:
        return wire.model_list(self.models)

    def model_card(self, name: str) -> bytes:
        return wire.model_card(name)
