"""Temperature, top_p and top_k: what Claude takes of them, which depends on the model.

Sources: anthropic-sdk-python 0.125, types/message_create_params.py (temperature 0 to 1; OpenAI's
runs to 2); platform.claude.com, "Extended thinking" (no temperature beside thinking); for the
versions, versions.py.
"""

from __future__ import annotations

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import decode_field
from shared.wire.messages.content import Block, is_given
from shared.wire.messages.versions import Abilities
from shared.wire.translated import Drops, Sending

_NAMES = ("temperature", "top_p", "top_k")
_MAX_TEMPERATURE = 1.0
_DEFAULT = 1.0
"""Of temperature and of top_p: it asks for nothing, so leaving it out changes nothing."""

_number = msgspec.json.Decoder(float)


def translate_sampling(
    fields: dict[str, msgspec.Raw], to: Sending, abilities: Abilities, drops: Drops
) -> Block:
    """The sampling fields of the Messages request, each as the client wrote it (0 stays 0).

    `to.temperature` (a power level's, capped at 1) goes in only where the client set none of them,
    asked for no thinking, and the model takes one. Raises InvalidField: a negative number; and
    unless it may be left out, a temperature above 1 or any but the default of 1 for a model that
    takes none.
    """
    asked = {name: fields[name] for name in _NAMES if name in fields and is_given(fields[name])}
    sent: Block = {}
    for name, raw in asked.items():
        value = decode_field(name, raw, _number)
        if value < 0:
            raise InvalidField(f"'{name}' must not be negative.", param=name)
        if name == "temperature" and value > _MAX_TEMPERATURE:
            drops.refuse(name, "Anthropic's temperature ends at 1", is_sampling=True)
        elif abilities.samples:
            sent[name] = raw
        elif value != _DEFAULT:
            drops.refuse(name, f"{to.model_id} takes no {name}", is_sampling=True)
    thinks = "thinking" in fields and is_given(fields["thinking"])
    if to.temperature is not None and not asked and not thinks and abilities.samples:
        sent["temperature"] = min(to.temperature, _MAX_TEMPERATURE)
    return sent
