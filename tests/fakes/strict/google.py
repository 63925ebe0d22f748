"""What Google AI Studio refuses at its OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.fakes.strict.chat import (
    arguments_are_objects,
    content_is_given,
    efforts,
    every_call_is_answered,
    images_are_what_they_say,
    no_nulls,
    only_call_fields,
    only_fields,
    only_message_fields,
    only_part_fields,
    only_roles,
    only_tool_fields,
)
from tests.fakes.strict.rule import Body, Rule

_COMPATIBILITY: Final = "ai.google.dev/gemini-api/docs/openai"
_UNKNOWN: Final = "MinLL/SkyrimNet-GamePlugin issue 77: Cannot find field"
_SIGNATURES: Final = "ai.google.dev/gemini-api/docs/thought-signatures"


def _first_calls_are_signed(body: Body) -> Iterator[str]:
    """The first call of each step, of Gemini 3 and later."""
    if not body["model"].startswith(("gemini-3", "gemini-4")):
        return
    for place, message in enumerate(body["messages"]):
        for call in (message.get("tool_calls") or ())[:1]:
            signed = call.get("extra_content", {}).get("google", {}).get("thought_signature")
            if not signed:
                yield f"Function call is missing a thought_signature (messages[{place}])"
            elif signed.startswith("foreign"):
                yield f"Thought signature is not valid (messages[{place}])"


RULES: Final = (
    only_fields(
        _UNKNOWN + "; Vali-98/ChatterUI issue 227: seed; " + _COMPATIBILITY,
        (
            *("messages", "model", "max_completion_tokens", "max_tokens", "modalities", "n"),
            *("parallel_tool_calls", "presence_penalty", "reasoning_effort", "response_format"),
            *("service_tier", "stop", "stream", "stream_options", "temperature", "tool_choice"),
            *("tools", "top_logprobs", "logprobs", "top_p", "audio", "web_search_options"),
            "extra_body",
        ),
    ),
    only_roles(_COMPATIBILITY, ("system", "user", "assistant", "tool", "function")),
    only_message_fields(
        _UNKNOWN + "; SuzumiyaAkizuki/ComfyUI-NewBie-LLM-Formatter issue 3: reasoning",
        {
            "system": ("content", "name"),
            "user": ("content", "name"),
            "assistant": ("content", "name", "tool_calls", "refusal", "extra_content"),
            "tool": ("content", "tool_call_id", "name"),
        },
    ),
    no_nulls("github/copilot-sdk issue 2061: Value is not a string: null", ("refusal", "name")),
    only_part_fields(
        _UNKNOWN,
        {
            "text": ("text",),
            "image_url": ("image_url",),
            "input_audio": ("input_audio",),
            "file": ("file",),
        },
    ),
    only_tool_fields("github/copilot-sdk issue 1129, after issue 2061: unknown names in tools"),
    only_call_fields(_SIGNATURES, ("id", "type", "function", "extra_content")),
    arguments_are_objects(_COMPATIBILITY + ": arguments become functionCall.args, an object"),
    every_call_is_answered("microsoft/vscode issue 299295: as many responses as calls"),
    content_is_given("ai.google.dev/api/caching#Content: a content has parts"),
    images_are_what_they_say("ai.google.dev/gemini-api/docs/image-understanding: mime_type"),
    Rule(_SIGNATURES, _first_calls_are_signed),
    efforts(
        _COMPATIBILITY + ": reasoning cannot be turned off for 2.5 Pro or 3",
        r"gemini-([3-9]|2\.5-pro)",
        ("minimal", "low", "medium", "high"),
    ),
    efforts(_COMPATIBILITY, r"gemini-2\.5-flash", ("none", "minimal", "low", "medium", "high")),
)
