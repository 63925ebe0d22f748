"""What a model takes less of than its provider's others: efforts, hints, sampling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from shared.wire.chat.efforts import nearest_effort
from shared.wire.chat.request import decode_field, raw_json
from shared.wire.quirks import SAMPLING, Version
from shared.wire.translated import Drops, Sending

_LOOKED_AT: Final = SAMPLING | {"reasoning_effort", "tools", "verbosity"}
_DEFAULTS: Final = frozenset({b"null"})
_ONE: Final = frozenset({b"null", b"1", b"1.0"})
_ZERO: Final = frozenset({b"null", b"0", b"0.0"})
_ASK_NOTHING: Final = {
    "temperature": _ONE,
    "top_p": _ONE,
    "presence_penalty": _ZERO,
    "frequency_penalty": _ZERO,
}

_effort = msgspec.json.Decoder(str | None)


def fit_version(
    fields: dict[str, msgspec.Raw], versions: tuple[Version, ...], to: Sending, drops: Drops
) -> None:
    """Make `fields` what the model takes.

    Raises InvalidField, as `Drops.refuse` does, for sampling that it does not take.
    """
    if _LOOKED_AT.isdisjoint(fields):
        return
    version = version_of(versions, to.model_id)
    if version is None:
        return
    effort = _fit_effort(fields, version, drops)
    for name in version.dropped.intersection(fields):
        del fields[name]
        drops.leave_out(name)
    samples = effort == "none" or (effort is None and version.samples_unasked)
    if samples:
        return
    for name in version.unsampled.intersection(fields):
        if bytes(fields.pop(name)) not in _ASK_NOTHING.get(name, _DEFAULTS):
            drops.refuse(name, _why(name, to.model_id, version), is_sampling=True)


def _why(name: str, model_id: str, version: Version) -> str:
    if version.samples_unasked or (version.efforts is not None and "none" in version.efforts):
        return f"{model_id} takes no {name} while it reasons"
    return f"{model_id} takes no {name}"


def version_of(versions: tuple[Version, ...], model_id: str) -> Version | None:
    """What is known of a model beside what holds for its provider's others."""
    place = _first_match(tuple([one.pattern for one in versions]), model_id)
    return None if place is None else versions[place]


@lru_cache(maxsize=4096)
def _first_match(patterns: tuple[str, ...], model_id: str) -> int | None:
    """Remembered: nine searches a request would cost more than all the rest of writing it."""
    return next((at for at, one in enumerate(patterns) if re.search(one, model_id)), None)


def _fit_effort(fields: dict[str, msgspec.Raw], version: Version, drops: Drops) -> str | None:
    """The effort that is sent; None: the model's own."""
    raw = fields.get("reasoning_effort")
    asked = None if raw is None else decode_field("reasoning_effort", raw, _effort)
    sent = asked
    if version.effort_with_tools is not None and bytes(fields.get("tools", b"[]")) not in _NO_TOOLS:
        sent = version.effort_with_tools
    elif asked is not None and version.efforts is not None:
        sent = nearest_effort(asked, version.efforts)
    if sent == asked:
        return sent
    if asked is not None:
        drops.leave_out("reasoning_effort")
    if sent is None:
        del fields["reasoning_effort"]
    else:
        fields["reasoning_effort"] = raw_json(sent)
    return sent


_NO_TOOLS: Final = frozenset({b"null", b"[]"})
