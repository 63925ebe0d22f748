"""Every field of the request beside its messages and tools: what it becomes, or why it cannot.

Sources: openai-python, types/chat/completion_create_params.py; anthropic-sdk-python 0.125,
types/message_create_params.py (API version 2023-06-01: temperature 0 to 1, top_p, top_k) and
types/{output_config,json_output_format,metadata}_param.py; platform.claude.com, "OpenAI SDK
compatibility", "Structured outputs", "Effort", "Service tiers".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.efforts import nearest_effort
from shared.wire.chat.request import decode_field
from shared.wire.messages.content import Block, is_given
from shared.wire.messages.schema import Schema, enforceable
from shared.wire.messages.versions import Abilities
from shared.wire.quirks import SAMPLING
from shared.wire.translated import Drops

ELSEWHERE: Final = frozenset(
    {
        *("messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "top_k"),
    }
)
"""Fields that the other modules translate."""

_AS_IT_CAME = frozenset({"thinking", "cache_control"})
"""Anthropic's own fields, which its OpenAI-compatible endpoint takes under the same names."""

_HINTS = frozenset(
    {
        *("seed", "store", "metadata", "prediction", "moderation"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    }
)
"""Fields that cannot change what the answer means; "OpenAI SDK compatibility" ignores them too."""

_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "modalities": (["text"],),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "audio": (),
    "web_search_options": (),
}
"""Fields without a counterpart, and the values of them that ask for nothing."""

_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only"}
"""auto uses priority capacity where the account has it ("Service tiers")."""

_MAX_USER_ID_CHARS = 256
"""The limit of `metadata.user_id` in the API reference ("Messages", body)."""

_PERSONAL = re.compile(r"[@\s]|^\+?[\d().-]{7,}$")
"""What looks like an e-mail address, a name or a telephone number: the reference forbids them, and
a request that has one is answered with 400 (BerriAI/litellm, pull request 11432)."""


class _JsonSchema(msgspec.Struct, frozen=True):
    schema: Schema | None = None


class _ResponseFormat(msgspec.Struct, frozen=True):
    type: str
    json_schema: _JsonSchema | None = None


_any = msgspec.json.Decoder()
_text = msgspec.json.Decoder(str)
_stops = msgspec.json.Decoder(str | list[str])
_response_format = msgspec.json.Decoder(_ResponseFormat)


def translate_parameters(
    fields: dict[str, msgspec.Raw], abilities: Abilities, drops: Drops
) -> Block:
    """The fields of the Messages request that the rest of `fields` becomes. Raises InvalidField."""
    sent: Block = {}
    for name, raw in fields.items():
        if name in ELSEWHERE or not is_given(raw):
            continue
        rule = _RULES.get(name)
        if rule is not None:
            rule(raw, sent, drops)
        elif name == "reasoning_effort":
            _reasoning_effort(raw, sent, abilities, drops)
        elif name in _AS_IT_CAME:
            sent[name] = raw
        elif name in _HINTS:
            drops.leave_out(name)
        elif name not in _NEUTRAL:
            drops.refuse(name, f"Anthropic has no counterpart of '{name}'")
        elif decode_field(name, raw, _any) not in _NEUTRAL[name]:
            why = f"Anthropic cannot honor this value of '{name}'"
            drops.refuse(name, why, is_sampling=name in SAMPLING)
    return sent


def _stop(raw: msgspec.Raw, sent: Block, drops: Drops) -> None:
    stops: Any = decode_field("stop", raw, _stops)
    sequences = [stops] if isinstance(stops, str) else stops
    if any(not one.strip() for one in sequences):
        # "OpenAI SDK compatibility": all non-whitespace stop sequences work.
        drops.refuse("stop", "Anthropic takes no stop sequence that is empty or white space")
        sequences = [one for one in sequences if one.strip()]
    if sequences:
        sent["stop_sequences"] = sequences


def _response_format_rule(raw: msgspec.Raw, sent: Block, drops: Drops) -> None:
    """Only a schema constrains Claude: it has no mode for JSON without one."""
    asked = decode_field("response_format", raw, _response_format)
    if asked.type == "text":
        return
    if asked.type != "json_schema":
        drops.refuse(
            "response_format",
            "Anthropic answers in JSON by a json_schema alone, not by json_object",
        )
        return
    if asked.json_schema is None or asked.json_schema.schema is None:
        raise InvalidField(
            "'response_format.json_schema.schema' is missing: send the JSON schema to answer in.",
            param="response_format.json_schema.schema",
            code="missing_required_parameter",
        )
    place = "response_format.json_schema.schema"
    schema = enforceable(asked.json_schema.schema, place, drops)
    _output_config(sent)["format"] = {"type": "json_schema", "schema": schema}


def _reasoning_effort(raw: msgspec.Raw, sent: Block, abilities: Abilities, drops: Drops) -> None:
    """The effort, or the nearest that this version has; named where it is not the one asked for."""
    asked = decode_field("reasoning_effort", raw, _text)
    if asked == "none" and not abilities.thinks_always:
        sent.setdefault("thinking", {"type": "disabled"})
        return
    effort = nearest_effort(asked, abilities.efforts)
    if effort != asked:
        drops.leave_out("reasoning_effort")
    if effort is not None:
        _output_config(sent)["effort"] = effort


def _output_config(sent: Block) -> dict[str, object]:
    config: Any = sent.setdefault("output_config", {})
    return config


def _user(name: str) -> Callable[[msgspec.Raw, Block, Drops], None]:
    def rule(raw: msgspec.Raw, sent: Block, drops: Drops) -> None:
        user = decode_field(name, raw, _text)
        if not user or len(user) > _MAX_USER_ID_CHARS or _PERSONAL.search(user):
            drops.leave_out(name)
            return
        if name == "safety_identifier" or "metadata" not in sent:
            sent["metadata"] = {"user_id": user}

    return rule


def _verbosity(raw: msgspec.Raw, sent: Block, drops: Drops) -> None:
    if decode_field("verbosity", raw, _text) != "medium":
        drops.leave_out("verbosity")


def _service_tier(raw: msgspec.Raw, sent: Block, drops: Drops) -> None:
    tier = _TIERS.get(decode_field("service_tier", raw, _text))
    if tier is None:
        drops.leave_out("service_tier")
    else:
        sent["service_tier"] = tier


_RULES: Final[dict[str, Callable[[msgspec.Raw, Block, Drops], None]]] = {
    "stop": _stop,
    "response_format": _response_format_rule,
    "user": _user("user"),
    "safety_identifier": _user("safety_identifier"),
    "service_tier": _service_tier,
    "verbosity": _verbosity,
}
