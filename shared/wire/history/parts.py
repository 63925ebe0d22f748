"""The content of a message where it came as a list of parts."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.history.fields import Fields, objects, raw, says_nothing, text_of
from shared.wire.history.rules import MessageRules
from shared.wire.translated import Drops

_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Parts that are thoughts: Mistral's (docs.mistral.ai, capabilities/reasoning), Anthropic's."""

_BETWEEN: Final = "\n"
"""As vLLM joins parts (entrypoints/chat_utils.py)."""


def fit_content(message: Fields, place: str, rules: MessageRules, drops: Drops) -> None:
    """Make the parts what `rules` take. Content that is not a list of objects stays as it came."""
    content = message.get("content")
    if content is None or not bytes(content).startswith(b"["):
        return
    try:
        parts = objects.decode(content)
    except msgspec.ValidationError:
        return
    fitted = [
        part
        for index, given in enumerate(parts)
        if (part := _fit_part(given, f"{place}.content[{index}]", rules, drops)) is not None
    ]
    if rules.joins_text and all(text_of(part.get("type")) == "text" for part in fitted):
        message["content"] = raw(_BETWEEN.join(text_of(part.get("text")) or "" for part in fitted))
    elif fitted != parts:
        message["content"] = raw(fitted)


def _fit_part(part: Fields, place: str, rules: MessageRules, drops: Drops) -> Fields | None:
    kind = text_of(part.get("type"))
    if kind in _THOUGHTS and not rules.takes_thoughts_as_parts:
        drops.leave_out(place)
        return None
    fitted = part
    if kind == "refusal" and "refusal" not in rules.assistant:
        fitted = {"type": raw("text"), "text": part.get("refusal", raw(""))}
    if not rules.takes_cache_control and "cache_control" in fitted:
        fitted = dict(fitted)
        drop_cache_control(fitted, place, drops)
    return fitted


def drop_cache_control(fields: Fields, place: str, drops: Drops) -> None:
    """Take out Anthropic's mark, which changes what a prompt costs and not what it means."""
    if not says_nothing(fields.pop("cache_control")):
        drops.leave_out(f"{place}.cache_control")
