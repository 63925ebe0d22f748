"""Calls of tools in a history, and the results that stand behind them.

What one provider began another may refuse: an answer that was cut leaves arguments that are no
JSON (openai/openai-agents-python issue 2061; vllm-project/vllm issue 43995); a call without its
result, or a result without its call, is a 400 at OpenAI (guides/function-calling), Anthropic
(anthropics/claude-code issues 3860, 64383) and Google (microsoft/vscode issue 299295).
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import msgspec

from shared.wire.history.fields import Fields, objects, one_object, raw, says_nothing, text_of
from shared.wire.history.ids import CallIds
from shared.wire.history.rules import MessageRules
from shared.wire.translated import Drops

NO_RESULT = "There is no result of this call."
"""Stands for a result that the history lacks: the model is told, and the conversation goes on."""

Placed: TypeAlias = tuple[str, Fields]
"""A message, and where in the request it stands (`messages[2]`)."""

_CALL_FIELDS = frozenset({"id", "type", "function"})
_FUNCTION_FIELDS = frozenset({"name", "arguments"})


def calls_of(message: Fields) -> list[Fields]:
    """The calls of tools in a message; none where the field is not a list of objects."""
    if says_nothing(message.get("tool_calls")):
        return []
    try:
        return objects.decode(message["tool_calls"])
    except msgspec.ValidationError:
        return []


def pair_results(messages: list[Placed], drops: Drops) -> list[Placed]:
    """The messages with the results of calls directly behind them, none missing.

    A well-formed history comes back as it is. Results that answer no call are left out and named.
    """
    ordered: list[Placed] = []
    turn = _Turn([])
    for place, message in messages:
        role = text_of(message.get("role"))
        if role == "assistant":
            ordered += turn.messages()
            ordered.append((place, message))
            turn = _Turn(calls_of(message))
        elif role != "tool":
            turn.others.append((place, message))
        elif not turn.takes(place, message):
            drops.leave_out(place)
    return ordered + turn.messages()


class _Turn:
    """What stands between two answers of a model: results of the calls of the first, the rest."""

    def __init__(self, calls: list[Fields]) -> None:
        self.others: list[Placed] = []
        self._results: list[Placed] = []
        self._open = Counter(text_of(call.get("id")) or "" for call in calls)

    def takes(self, place: str, result: Fields) -> bool:
        call_id = text_of(result.get("tool_call_id")) or ""
        if not self._open[call_id]:
            return False
        self._open[call_id] -= 1
        self._results.append((place, result))
        return True

    def messages(self) -> list[Placed]:
        missing = [("", _no_result(call_id)) for call_id in self._open.elements()]
        return [*self._results, *missing, *self.others]


def _no_result(call_id: str) -> Fields:
    return {"role": raw("tool"), "tool_call_id": raw(call_id), "content": raw(NO_RESULT)}


def fit_calls(message: Fields, place: str, rules: MessageRules, ids: CallIds, drops: Drops) -> None:
    """Make the calls of an assistant's message what `rules` take; no list of none goes out."""
    calls = calls_of(message)
    if not calls:
        message.pop("tool_calls", None)
        return
    fitted = [
        _fit_call(call, f"{place}.tool_calls[{index}]", rules, ids, drops)
        for index, call in enumerate(calls)
    ]
    if rules.signature is not None and not any("extra_content" in call for call in fitted):
        fitted = [{**call, "extra_content": raw(dict(rules.signature))} for call in fitted]
    if fitted != calls:
        message["tool_calls"] = raw(fitted)


def fit_result(message: Fields, ids: CallIds) -> None:
    asked = text_of(message.get("tool_call_id")) or ""
    given = ids.of_result(asked)
    if given != asked:
        message["tool_call_id"] = raw(given)


def _fit_call(call: Fields, place: str, rules: MessageRules, ids: CallIds, drops: Drops) -> Fields:
    known = _CALL_FIELDS
    if rules.signature is not None:
        known = known | {"extra_content"}
    if rules.takes_cache_control:
        known = known | {"cache_control"}
    fitted = _without_others(call, known, place, drops)
    call_id = text_of(call.get("id")) or ""
    given = ids.of_call(call_id)
    if given != call_id:
        fitted["id"] = raw(given)
    if text_of(call.get("type")) in (None, ""):
        fitted["type"] = raw("function")
    if "function" in call:
        function = one_object.decode(call["function"])
        fit = _without_others(function, _FUNCTION_FIELDS, f"{place}.function", drops)
        fit["arguments"] = _arguments(fit.get("arguments"), rules)
        if fit != function:
            fitted["function"] = raw(fit)
    return fitted


def _without_others(fields: Fields, known: frozenset[str], place: str, drops: Drops) -> Fields:
    for name in fields.keys() - known:
        if not says_nothing(fields[name]):
            drops.leave_out(f"{place}.{name}")
    return {name: value for name, value in fields.items() if name in known}


def _arguments(given: msgspec.Raw | None, rules: MessageRules) -> msgspec.Raw:
    """Arguments as the text of a JSON object: what is none goes into one, as `_raw`."""
    text = text_of(given)
    if text is None:
        return raw("{}" if says_nothing(given) else bytes(given or b"").decode())
    if not rules.reads_arguments:
        return given or raw(text)
    if not text.strip():
        return raw("{}")
    try:
        one_object.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return raw(msgspec.json.encode({"_raw": text}).decode())
    return given or raw(text)
