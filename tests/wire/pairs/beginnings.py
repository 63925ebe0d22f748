"""Answers as each provider gives them, in its own wire: with thoughts, calls, a refusal, a cut.

Sources of the fields: the recorded answers in tests/recorded; for thoughts console.groq.com,
docs/reasoning; docs.fireworks.ai, guides/reasoning; docs.together.ai, docs/deepseek-r1;
openrouter.ai, docs/use-cases/reasoning-tokens; api-docs.deepseek.com, guides/thinking_mode;
ai.google.dev, gemini-api/docs/thought-signatures; platform.claude.com, "Extended thinking".
"""

from __future__ import annotations

from typing import Any, Final

from tests.fakes.strict.providers import SIGNATURES

Answer = dict[str, Any]

SAID: Final = "It is sunny."
THOUGHT: Final = "The user wants the weather."
NO: Final = "I cannot help with that."
WHOLE, CUT = '{"city": "Paris"}', '{"city": "Par'
KINDS: Final = ("thoughts", "call", "parallel", "refusal", "cut")
"""Every beginner has an answer of each."""

# How the ids of calls look there: (of the first, of the second).
_IDS: Final = {
    "openai": ("call_a1b2c3", "call_d4e5f6"),
    "google": ("function-call-14332871286461830443", "function-call-9273645"),
    "groq": ("fc_5f1c1b52-9f0e-4e7a-8f5b-1f2e3d4c5b6a", "fc_2"),
    "fireworks": ("functions.get_weather:0", "functions.get_weather:1"),
    "together": ("call_7k|2", "call_8k|2"),
    "openrouter": ("tool_0_get_weather", "tool_1_get_weather"),
    "deepseek-like": ("chatcmpl-tool-3f8f6c2a1d0e4b5c9a8b7c6d5e4f3a2b", "call_01_ü"),
}
_THOUGHTS: Final[dict[str, Answer]] = {
    "openai": {"refusal": None, "annotations": []},
    "google": {"extra_content": {"google": {"thought": True}}},
    "groq": {"reasoning": THOUGHT, "executed_tools": []},
    "fireworks": {"reasoning_content": THOUGHT},
    "together": {"reasoning": THOUGHT, "refusal": None},
    "openrouter": {
        "reasoning": THOUGHT,
        "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT, "index": 0}],
        "refusal": None,
    },
    "deepseek-like": {"reasoning_content": THOUGHT},
}


def chat_answer(slug: str, kind: str) -> tuple[Answer, str]:
    """The message of a chat completion, and its finish reason."""
    thoughts = dict(_THOUGHTS[slug])
    if kind == "thoughts":
        return {"role": "assistant", "content": SAID, **thoughts}, "stop"
    if kind == "refusal":
        return {"role": "assistant", "content": None, **thoughts, "refusal": NO}, "stop"
    first, second = _IDS[slug]
    calls = [_call(slug, first, CUT if kind == "cut" else WHOLE, signed=True)]
    if kind == "parallel":
        calls.append(_call(slug, second, WHOLE, signed=False))
    message = {"role": "assistant", "content": None, **thoughts, "tool_calls": calls}
    return message, "length" if kind == "cut" else "tool_calls"


def _call(slug: str, call_id: str, arguments: str, *, signed: bool) -> Answer:
    call: Answer = {
        "id": call_id,
        "type": "function",
        "function": {"name": "get_weather", "arguments": arguments},
    }
    if slug == "google" and signed:  # the first of parallel calls alone
        call["extra_content"] = {"google": {"thought_signature": "CiQB0e2Kb"}}
    return call


def messages_answer(slug: str, kind: str) -> tuple[list[Answer], str]:
    """The content blocks of a message, and its stop reason."""
    signature, redacted = SIGNATURES[slug]
    blocks: list[Answer] = [
        {"type": "thinking", "thinking": THOUGHT, "signature": signature},
        {"type": "redacted_thinking", "data": redacted},
    ]
    if kind == "thoughts":
        return [*blocks, {"type": "text", "text": SAID}], "end_turn"
    if kind == "refusal":
        return [{"type": "text", "text": NO}], "refusal"
    use = {"type": "tool_use", "id": "toolu_01A", "name": "get_weather", "input": {"city": "Paris"}}
    uses = [use, {**use, "id": "toolu_01B"}] if kind == "parallel" else [use]
    return [*blocks, *uses], "max_tokens" if kind == "cut" else "tool_use"
