"""Why Claude stopped, in OpenAI's words.

Sources: anthropic-sdk-python, types/stop_reason.py and types/refusal_stop_details.py;
platform.claude.com, "Handling stop reasons"; openai-python, types/chat/chat_completion.py.
"""

from __future__ import annotations

import msgspec

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    # A long turn of server tools was paused; none are sent, so the text is all there is.
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class StopDetails(msgspec.Struct, frozen=True):
    """What more is said of a refusal."""

    explanation: str | None = None


def finish_reason(stop_reason: str | None) -> str:
    """OpenAI's finish_reason; a reason that is not known yet is a plain stop."""
    return _FINISH_REASONS.get(stop_reason or "", "stop")
