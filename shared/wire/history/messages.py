"""The messages of a conversation in the form that the provider takes which continues it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shared.wire.history.calls import Placed, calls_of, fit_calls, fit_result, pair_results
from shared.wire.history.fields import Fields, objects, one_object, raw, says_nothing, text_of
from shared.wire.history.ids import CallIds
from shared.wire.history.images import relabel_images
from shared.wire.history.parts import drop_cache_control, fit_content
from shared.wire.history.rules import IdRule, MessageRules
from shared.wire.history.signatures import take_signature
from shared.wire.translated import Drops

_ANY_ID: Final = IdRule()
_NULL: Final = raw(None)
_NO_THOUGHT: Final = raw(" ")
"""Stands for the thoughts of another model: some versions refuse an empty text as they do none."""
_ASSISTANT: Final = raw("assistant")
_THOUGHTS: Final = ("reasoning_content", "reasoning")
"""What providers call the text of their thoughts in an answer."""


_SIGN: Final = re.compile(rb'"(?:assistant|developer|tool|cache_control|name|type)"')
"""Messages without any of these go out as they came: one search tells of most requests."""


def fit_messages(
    messages: msgspec.Raw, rules: MessageRules, model_id: str, drops: Drops
) -> msgspec.Raw:
    """The messages for `model_id`, the same object where there is nothing to do.

    What another provider added is mapped or left out, and then named in `drops`.
    """
    given = bytes(messages)
    if _SIGN.search(given) is None:
        return messages
    text = relabel_images(given)
    if not _is_plain(text, rules):
        placed = objects.decode(text)
        fitted = [message for _, message in fit_all(placed, rules, model_id, drops)]
        if fitted != placed:
            return raw(fitted)
    return messages if text is given else msgspec.Raw(text)


def _is_plain(text: bytes, rules: MessageRules) -> bool:
    """Whether nothing that any of the rules is about stands in the messages."""
    return not (
        b'"assistant"' in text
        or b'"developer"' in text
        or b'"tool"' in text
        or b'"cache_control"' in text
        or (rules.joins_text and b'"type"' in text)
        or (rules.odd_in_names is not None and b'"name"' in text)
        or (rules.dropped and any(b'"%b"' % name.encode() in text for name in rules.dropped))
    )


def fit_all(
    messages: list[Fields], rules: MessageRules, model_id: str, drops: Drops
) -> list[Placed]:
    """Each message as it goes out, with its place in the request; `messages` stay as they are."""
    ids = CallIds(rules.call_ids or _ANY_ID)
    placed = [(f"messages[{index}]", dict(one)) for index, one in enumerate(messages)]
    fitted = pair_results(placed, drops)
    asks_for_thoughts = _asks_for_thoughts(rules, model_id)
    for index, (place, message) in enumerate(fitted):
        role = text_of(message.get("role"))
        if role == "developer" and not rules.knows_developer:
            message["role"] = raw("system")
        if role == "assistant":
            _fit_answer(message, place, rules, model_id, drops)
            fit_calls(message, place, rules, ids, drops)
            follows_result = index > 0 and text_of(fitted[index - 1][1].get("role")) == "tool"
            if asks_for_thoughts and (follows_result or "tool_calls" in message):
                message.setdefault(rules.thoughts or "", _NO_THOUGHT)
        elif role == "tool":
            fit_result(message, ids)
        _drop_fields(message, place, rules, drops)
        fit_content(message, place, rules, drops)
    return fitted


def _fit_answer(
    message: Fields, place: str, rules: MessageRules, model_id: str, drops: Drops
) -> None:
    """Take out of a model's answer what this provider does not know; keep its words."""
    if rules.thoughts is not None:
        _rename_thoughts(message, rules.thoughts)
    known = rules.assistant
    if rules.thinking_blocks_of is not None and rules.thinking_blocks_of in model_id:
        known = known | {"thinking_blocks", *_THOUGHTS}
        _fit_thinking(message, place, rules.signs_as, drops)
    if "audio" not in known:
        _write_down(message)
    refusal = message.get("refusal")
    if (
        "refusal" not in known
        and not says_nothing(refusal)
        and says_nothing(message.get("content"))
    ):
        message["content"] = message.pop("refusal")
    for name in [name for name in message if name not in known and name != "cache_control"]:
        if not says_nothing(message.pop(name)):
            drops.leave_out(f"{place}.{name}")
    is_refusal = not says_nothing(message.get("refusal"))
    if says_nothing(message.get("content")) and not is_refusal and not calls_of(message):
        message["content"] = raw("")


def _fit_thinking(message: Fields, place: str, provider: str, drops: Drops) -> None:
    if says_nothing(message.get("thinking_blocks")):
        return
    try:
        blocks = objects.decode(message["thinking_blocks"])
    except msgspec.ValidationError:
        return  # the provider says what is wrong with it
    own = [
        block
        for index, block in enumerate(blocks)
        if take_signature(block, f"{place}.thinking_blocks[{index}]", provider, drops)
    ]
    message["thinking_blocks"] = raw(own)


def _asks_for_thoughts(rules: MessageRules, model_id: str) -> bool:
    return rules.thoughts_asked_by is not None and bool(
        re.search(rules.thoughts_asked_by, model_id, re.IGNORECASE)
    )


def _write_down(message: Fields) -> None:
    """Say in text what was said aloud, where the answer's transcript is still beside it."""
    audio = message.get("audio", _NULL)
    if bytes(audio).startswith(b"{") and says_nothing(message.get("content")):
        transcript = one_object.decode(audio).get("transcript")
        if text_of(transcript):
            del message["audio"]
            message["content"] = raw(text_of(transcript))


def _rename_thoughts(message: Fields, known_as: str) -> None:
    if known_as in message:
        return
    for name in _THOUGHTS:
        if text_of(message.get(name)) is not None:
            message[known_as] = message.pop(name)
            return


def _drop_fields(message: Fields, place: str, rules: MessageRules, drops: Drops) -> None:
    dropped = rules.dropped
    if rules.others is not None and message.get("role") != _ASSISTANT:
        dropped = message.keys() - rules.others
    for name in dropped.intersection(message):
        if not says_nothing(message.pop(name)):
            drops.leave_out(f"{place}.{name}")
    name = text_of(message.get("name"))
    if rules.odd_in_names is not None and name is not None:
        fitted = re.sub(rules.odd_in_names, "_", name)
        if fitted != name:
            message["name"] = raw(fitted)
    if not rules.takes_cache_control and "cache_control" in message:
        drop_cache_control(message, place, drops)
