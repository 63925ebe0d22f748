"""The manners of the providers that follow OpenAI; the source of each is beside it."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

import msgspec

from functions.simulated_provider import openai_wire
from functions.simulated_provider.answer import Answer
from tests.fakes.scripted_provider import rate_limits
from tests.fakes.scripted_provider.asked import Asked
from tests.fakes.scripted_provider.exchange import Headers
from tests.fakes.scripted_provider.manners import (
    CONTEXT_TOKENS,
    OpenAI,
    Refusal,
    cost_usd,
    message_of,
)
from tests.fakes.scripted_provider.patches import patched

_encode = msgspec.json.encode


def _is_list(path: str) -> bool:
    return path.endswith("/models")


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

    def refusal(self, status: int, body: bytes) -> bytes:
        return self.error(status, message_of(body), "")

    def error(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> bytes:
        other = "INTERNAL" if status >= 500 else "FAILED_PRECONDITION"
        kind = _GOOGLE_STATUSES.get(status, other)
        return _encode([{"error": {"code": status, "message": message, "status": kind}}])

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        """None (mock-server.com, class LlmRateLimitHeaders, on Gemini)."""
        return []


class Groq(OpenAI):
    """Fields of `x_groq`: groq-python, `types/chat/chat_completion_chunk.py` and
    `types/completion_usage.py`."""

    def refuses(self, asked: Asked, said: Answer) -> Refusal | None:
        """console.groq.com/docs/openai: these fields are answered 400 if they are supplied."""
        for name in ("logprobs", "logit_bias", "top_logprobs"):
            if getattr(asked, name) is not None:
                return 400, f"property '{name}' is unsupported", name
        for i, message in enumerate(asked.messages):
            if message.name is not None:
                return 400, "property 'name' is unsupported", f"messages.{i}.name"
        return None

    def completion(self, body: bytes, asked: Asked, said: Answer) -> tuple[bytes, Headers]:
        more = {"usage": _groq_usage(said), "x_groq": {"id": _groq_id()}}
        return patched(body, lambda fields: fields | more), []

    def events(
        self, events: list[bytes], asked: Asked, said: Answer
    ) -> tuple[list[bytes], Headers]:
        """The first chunk names the request, the one with the reason also the usage."""
        first = {"x_groq": {"id": _groq_id()}}
        usage = {"usage": _groq_usage(said)}
        last = {"x_groq": first["x_groq"] | usage}
        events[0] = patched(events[0], lambda fields: fields | first)
        if b'"choices":[],' in events[-2]:
            events[-2] = patched(events[-2], lambda fields: fields | usage)
            events[-3] = patched(events[-3], lambda fields: fields | last)
        else:
            events[-2] = patched(events[-2], lambda fields: fields | last)
        return events, []

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.groq(exhausted=exhausted)


def _groq_usage(said: Answer) -> dict[str, Any]:
    """Times are in seconds; no time is spent here."""
    times = {"queue_time": 0.0, "prompt_time": 0.0, "completion_time": 0.0, "total_time": 0.0}
    return openai_wire.usage(said) | times


def _groq_id() -> str:
    return f"req_sim_{secrets.token_hex(12)}"


class Fireworks(OpenAI):
    """Ids: docs.fireworks.ai/getting-started/concepts (`accounts/<account>/models/<model>`)."""

    def events(
        self, events: list[bytes], asked: Asked, said: Answer
    ) -> tuple[list[bytes], Headers]:
        """docs.fireworks.ai/tools-sdks/openai-compatibility: asked for or not, usage is in the
        last chunk, the one that has the reason; there is none of its own."""
        made = [event for event in events if b'"choices":[],"usage"' not in event]
        usage = {"usage": openai_wire.usage(said)}
        made[-2] = patched(made[-2], lambda fields: fields | usage)
        return made, []

    def free(self, path: str, body: bytes) -> bytes:
        def renamed(listed: dict[str, Any]) -> dict[str, Any]:
            models = [
                one | {"id": f"accounts/fireworks/models/{one['id']}"} for one in listed["data"]
            ]
            return listed | {"data": models}

        return patched(body, renamed) if _is_list(path) else body

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.fireworks(exhausted=exhausted)


class Together(OpenAI):
    def refuses(self, asked: Asked, said: Answer) -> Refusal | None:
        """docs.together.ai/docs/error-codes: prompt and max_tokens together must be less than the
        context length, else 403."""
        wanted = said.prompt_tokens + asked.limit()
        if wanted < CONTEXT_TOKENS:
            return None
        message = (
            f"The prompt and max_tokens are {wanted} tokens together; they must be fewer than"
            f" the model's context length of {CONTEXT_TOKENS}."
        )
        return 403, message, "max_tokens"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.together(exhausted=exhausted)

    def free(self, path: str, body: bytes) -> bytes:
        """A bare array (together-py `types/model_list_response.py`, `types/model_object.py`)."""
        more = {
            "type": "chat",
            "organization": "simulated-provider",
            "context_length": CONTEXT_TOKENS,
            "pricing": {"hourly": 0, "input": 1, "output": 2, "base": 0, "finetune": 0},
        }

        def bare(listed: dict[str, Any]) -> list[dict[str, Any]]:
            return [one | more | {"display_name": one["id"]} for one in listed["data"]]

        return patched(body, bare) if _is_list(path) else body


class OpenRouter(OpenAI):
    """Comments, X-Generation-Id, errors in a stream: openrouter.ai/docs/api/reference/streaming;
    errors: openrouter.ai/docs/api/reference/errors-and-debugging."""

    # Once the model has begun the status stays 200, and the error is in the body.
    late_status: ClassVar[int] = 200
    opening: ClassVar[bytes] = b": OPENROUTER PROCESSING\n\n"

    def refusal(self, status: int, body: bytes) -> bytes:
        return self.error(status, message_of(body), "")

    def completion(self, body: bytes, asked: Asked, said: Answer) -> tuple[bytes, Headers]:
        more = _generation()
        usage = {"usage": _openrouter_usage(said)}
        return patched(body, lambda fields: fields | more | usage), _generation_header(more)

    def events(
        self, events: list[bytes], asked: Asked, said: Answer
    ) -> tuple[list[bytes], Headers]:
        """openrouter.ai/docs/use-cases/usage-accounting: the last message always has the usage."""
        more = _generation()
        made = [patched(event, lambda fields: fields | more) for event in events]
        usage = {"choices": [], "usage": _openrouter_usage(said)}
        reports = patched(made[0], lambda fields: fields | usage)
        chunks = [event for event in made[:-1] if b'"choices":[],' not in event]
        return [*chunks, reports, made[-1]], _generation_header(more)

    def error(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> bytes:
        return _encode({"error": _openrouter_error(status, message)})

    def late_error(self, request_id: str) -> bytes:
        return self.status_error(502, request_id)

    def error_event(self, asked: Asked, request_id: str) -> bytes:
        """A chunk that has an error beside its choices; nothing follows it."""
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        chunk = _generation() | {"object": "chat.completion.chunk", "model": asked.model}
        error = msgspec.json.decode(self.late_error(request_id))
        return b"data: " + _encode(chunk | error | {"choices": [choice]}) + b"\n\n"

    def rate_limits(self, *, exhausted: bool = False) -> Headers:
        return rate_limits.openrouter(exhausted=exhausted)

    def free(self, path: str, body: bytes) -> bytes:
        """openrouter.ai/docs/api/reference/list-available-models: prices are text, in USD a token;
        neither `object` nor `owned_by`."""

        def priced(listed: dict[str, Any]) -> dict[str, Any]:
            models = [
                {
                    "id": f"simulated-provider/{one['id']}",
                    "name": one["id"],
                    "created": one["created"],
                    "context_length": CONTEXT_TOKENS,
                    "pricing": {"prompt": "0.000001", "completion": "0.000002"},
                }
                for one in listed["data"]
            ]
            return {"data": models}

        return patched(body, priced) if _is_list(path) else body


def _openrouter_usage(said: Answer) -> dict[str, Any]:
    cost = cost_usd(said)
    return openai_wire.usage(said) | {
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

    def completion(self, body: bytes, asked: Asked, said: Answer) -> tuple[bytes, Headers]:
        """The cost is `str()` of a float, so that small ones are like `5.1e-05`."""
        cost = (b"x-litellm-response-cost", str(cost_usd(said)).encode())
        return body, [*_litellm_headers(asked), cost]

    def events(
        self, events: list[bytes], asked: Asked, said: Answer
    ) -> tuple[list[bytes], Headers]:
        """No cost: the head of a stream is sent before it is known (litellm issue 13264)."""
        return events, _litellm_headers(asked)


def _litellm_headers(asked: Asked) -> Headers:
    # A model's name may hold anything, a header may not.
    group = (asked.model or "").encode("ascii", "replace")
    return [
        (b"x-litellm-call-id", secrets.token_hex(16).encode()),
        (b"x-litellm-version", b"simulated"),
        (b"x-litellm-model-group", bytes(c if 0x20 <= c < 0x7F else 0x3F for c in group)),
    ]
