"""The providers that follow OpenAI, each with what it is documented to do differently."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from functions.simulated_provider import openai_wire as wire
from functions.simulated_provider import rate_limits
from functions.simulated_provider.answer import Answer
from functions.simulated_provider.exchange import Headers
from functions.simulated_provider.faults import Faults
from functions.simulated_provider.openai_provider import OpenAI
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest

TOGETHER_CONTEXT_TOKENS = 131_072
_encode = msgspec.json.encode


def cost_usd(answer: Answer) -> float:
    """1 USD a million prompt tokens, 2 USD a million completion tokens: nobody's price."""
    return (answer.prompt_tokens + 2 * answer.completion_tokens) / 1_000_000


# ai.google.dev/gemini-api/docs/troubleshooting, its table of error codes.
_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Google(OpenAI):
    """Gemini's compatible endpoint. An error is the only element of an array, as the body quoted
    in github.com/SuzumiyaAkizuki/ComfyUI-NewBie-LLM-Formatter/issues/3 shows."""

    list_ms: ClassVar[int] = 12

    def refusal(self, refused: Refused, request_id: str) -> bytes:
        return _google_error(refused.status, str(refused))

    def status_error(self, status: int, request_id: str) -> bytes:
        return _google_error(status, f"Simulated error {status}, as the request asked for.")

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        """None (mock-server.com, class LlmRateLimitHeaders, on Gemini)."""
        return []


def _google_error(status: int, message: str) -> bytes:
    kind = _GOOGLE_STATUSES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    return _encode([{"error": {"code": status, "message": message, "status": kind}}])


class Groq(OpenAI):
    """Fields of `x_groq`: groq-python, `types/chat/chat_completion_chunk.py` and
    `types/completion_usage.py`."""

    list_ms: ClassVar[int] = 4

    def check(self, request: ChatRequest, answer: Answer) -> None:
        """console.groq.com/docs/openai: these fields are answered 400 if they are supplied."""
        for name in ("logprobs", "logit_bias", "top_logprobs"):
            if getattr(request, name) is not None:
                raise Refused(f"property '{name}' is unsupported", name)
        for i, message in enumerate(request.messages):
            if message.name is not None:
                raise Refused("property 'name' is unsupported", f"messages.{i}.name")

    def completion(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[bytes, Headers]:
        usage = None if faults.no_usage else self._usage(answer)
        more = {"x_groq": {"id": _groq_id()}}
        return wire.completion(answer, request.model, usage, more), []

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        """The first chunk names the request, the one with the reason also the usage."""
        usage = None if faults.no_usage else self._usage(answer)
        asked = usage if request.wants_usage_event() else None
        made = wire.events(answer, request.model, faults.events, asked)
        request_id = _groq_id()
        last: dict[str, Any] = {"id": request_id}
        if usage is not None:
            last["usage"] = usage
        reason = -2 if asked is None else -3
        made[0] = wire.with_field(made[0], "x_groq", {"id": request_id})
        made[reason] = wire.with_field(made[reason], "x_groq", last)
        return made, []

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.groq(exhausted=exhausted)

    def _usage(self, answer: Answer) -> dict[str, Any]:
        """Times are in seconds; no time is spent here."""
        times = {"queue_time": 0.0, "prompt_time": 0.0, "completion_time": 0.0, "total_time": 0.0}
        return wire.usage(answer) | times


def _groq_id() -> str:
    return f"req_sim_{secrets.token_hex(12)}"


class Fireworks(OpenAI):
    """Ids: docs.fireworks.ai/getting-started/concepts (`accounts/<account>/models/<model>`)."""

    list_ms: ClassVar[int] = 20
    models: ClassVar[Sequence[str]] = tuple(
        f"accounts/fireworks/models/{name}" for name in OpenAI.models
    )

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        """docs.fireworks.ai/tools-sdks/openai-compatibility: asked for or not, usage is in the
        last chunk, the one that has the reason; there is none of its own."""
        made = wire.events(answer, request.model, faults.events, None)
        if not faults.no_usage:
            made[-2] = wire.with_field(made[-2], "usage", wire.usage(answer))
        return made, []

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.fireworks(exhausted=exhausted)


class Together(OpenAI):
    list_ms: ClassVar[int] = 28

    def check(self, request: ChatRequest, answer: Answer) -> None:
        """docs.together.ai/docs/error-codes: prompt and max_tokens together must be less than the
        context length, else 403."""
        wanted = answer.prompt_tokens + (request.limit() or 0)
        if wanted >= TOGETHER_CONTEXT_TOKENS:
            raise Refused(
                f"The prompt and max_tokens are {wanted} tokens together; they must be fewer than"
                f" the model's context length of {TOGETHER_CONTEXT_TOKENS}.",
                "max_tokens",
                status=403,
            )

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.together(exhausted=exhausted)

    def model_list(self) -> bytes:
        """A bare array (together-py `types/model_list_response.py`, `types/model_object.py`)."""
        return _encode(
            [
                wire.model(name)
                | {
                    "type": "chat",
                    "display_name": name,
                    "organization": "simulated-provider",
                    "context_length": TOGETHER_CONTEXT_TOKENS,
                    "pricing": {"hourly": 0, "input": 1, "output": 2, "base": 0, "finetune": 0},
                }
                for name in self.models
            ]
        )


class OpenRouter(OpenAI):
    """Comments, X-Generation-Id, errors in a stream: openrouter.ai/docs/api/reference/streaming;
    errors: openrouter.ai/docs/api/reference/errors-and-debugging."""

    list_ms: ClassVar[int] = 52
    # Once the model has begun the status stays 200, and the error is in the body.
    late_status: ClassVar[int] = 200
    opening: ClassVar[bytes] = b": OPENROUTER PROCESSING\n\n"

    def completion(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[bytes, Headers]:
        usage = None if faults.no_usage else self._usage(answer)
        more = _generation()
        return wire.completion(answer, request.model, usage, more), _generation_header(more)

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        """openrouter.ai/docs/use-cases/usage-accounting: the last message always has the usage."""
        usage = None if faults.no_usage else self._usage(answer)
        more = _generation()
        made = wire.events(answer, request.model, faults.events, usage, more)
        return made, _generation_header(more)

    def refusal(self, refused: Refused, request_id: str) -> bytes:
        return _encode({"error": _openrouter_error(refused.status, str(refused))})

    def status_error(self, status: int, request_id: str) -> bytes:
        said = f"Simulated error {status}, as the request asked for."
        return _encode({"error": _openrouter_error(status, said)})

    def late_error(self, request_id: str) -> bytes:
        return self.status_error(502, request_id)

    def error_event(self, request: ChatRequest, request_id: str) -> bytes:
        """A chunk that has an error beside its choices; nothing follows it."""
        error = _openrouter_error(502, "Simulated error 502, as the request asked for.")
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        more = _generation() | {"error": error, "choices": [choice]}
        return b"data: " + wire.chunk(request.model, more) + b"\n\n"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.openrouter(exhausted=exhausted)

    def model_list(self) -> bytes:
        """openrouter.ai/docs/api/reference/list-available-models: prices are text, in USD a token;
        neither `object` nor `owned_by`."""
        return _encode(
            {
                "data": [
                    {
                        "id": f"simulated-provider/{name}",
                        "name": name,
                        "created": wire.MODELS_CREATED,
                        "context_length": 131_072,
                        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
                    }
                    for name in self.models
                ]
            }
        )

    def _usage(self, answer: Answer) -> dict[str, Any]:
        cost = cost_usd(answer)
        return wire.usage(answer) | {
            "cost": cost,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": cost},
        }


def _generation() -> dict[str, Any]:
    return {"id": f"gen-sim-{secrets.token_hex(12)}", "provider": "Simulated"}


def _generation_header(generation: dict[str, Any]) -> Headers:
    return [(b"x-generation-id", generation["id"].encode())]


def _openrouter_error(status: int, message: str) -> dict[str, Any]:
    return {"code": status, "message": message, "metadata": {"provider_name": "Simulated"}}


class LiteLLM(OpenAI):
    """Headers: litellm 1.109.1 `proxy/common_request_processing.py`."""

    def completion(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[bytes, Headers]:
        """The cost is `str()` of a float, so that small ones are like `5.1e-05`."""
        body, _ = super().completion(request, answer, faults)
        cost = (b"x-litellm-response-cost", str(cost_usd(answer)).encode())
        return body, [*_litellm_headers(request), cost]

    def events(
        self, request: ChatRequest, answer: Answer, faults: Faults
    ) -> tuple[list[bytes], Headers]:
        """No cost: the head of a stream is sent before it is known (litellm issue 13264)."""
        made, _ = super().events(request, answer, faults)
        return made, _litellm_headers(request)


def _litellm_headers(request: ChatRequest) -> Headers:
    # A model's name may hold anything, a header may not.
    group = request.model.encode("ascii", "replace")
    return [
        (b"x-litellm-call-id", secrets.token_hex(16).encode()),
        (b"x-litellm-version", b"simulated"),
        (b"x-litellm-model-group", bytes(c if 0x20 <= c < 0x7F else 0x3F for c in group)),
    ]
