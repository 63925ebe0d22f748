"""Temperature, top_p and top_k: what Claude takes of them, which depends on the model.

Sources: anthropic-sdk-python 0.125, types/message_create_params.py (temperature 0 to 1; OpenAI's
runs to 2); platform.claude.com, migration guides of Claude Opus 4.7, Sonnet 5 and Haiku 5.5 (remove
all three: a value other than the default is answered with 400), "Extended thinking" (no temperature
beside thinking).
"""

from __future__ import annotations

import re

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import decode_field
from shared.wire.messages.content import Block, is_given
from shared.wire.translated import Drops

_NAMES = ("temperature", "top_p", "top_k")
_MAX_TEMPERATURE = 1.0
_DEFAULT = 1.0
"""Of temperature and of top_p: it asks for nothing, so leaving it out changes nothing."""
_LAST_THAT_SAMPLES = (4, 6)
_VERSION = re.compile(r"claude-[a-z]+-(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?")

_number = msgspec.json.Decoder(float)


def takes_sampling(model_id: str) -> bool:
    """Whether the model takes sampling parameters; of a name that is not Claude's, it is said."""
    version = _VERSION.search(model_id)
    if version is None:
        return True
    return (int(version["major"]), int(version["minor"] or 0)) <= _LAST_THAT_SAMPLES


def translate_sampling(
    fields: dict[str, msgspec.Raw], model_id: str, default: float | None, drops: Drops
) -> Block:
    """The sampling fields of the Messages request, each as the client wrote it (0 stays 0).

    `default` (a power level's temperature, capped at 1) goes in only where the client set none of
    them, asked for no thinking, and the model takes one. Raises InvalidField: a temperature above
    1, a negative number, or any but the default of 1 for a model that takes none.
    """
    asked = {name: fields[name] for name in _NAMES if name in fields and is_given(fields[name])}
    can_sample = takes_sampling(model_id)
    sent: Block = {}
    for name, raw in asked.items():
        value = decode_field(name, raw, _number)
        if value < 0:
            raise InvalidField(f"'{name}' must not be negative.", param=name)
        if name == "temperature" and value > _MAX_TEMPERATURE:
            drops.refuse(name, "Anthropic's temperature ends at 1")
        elif can_sample:
            sent[name] = raw
        elif value != _DEFAULT:
            drops.refuse(name, f"{model_id} takes no {name}")
    thinks = "thinking" in fields and is_given(fields["thinking"])
    if default is not None and not asked and not thinks and can_sample:
        sent["temperature"] = min(default, _MAX_TEMPERATURE)
    return sent
