"""What a request says of itself: for whom it is, what for, and which conversation. Pure.

Tags are what it is for in its caller's words: a feature, a job, a cost center.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, cast

import msgspec

from shared.wire.text import clean_or_none

MAX_TAGS: Final = 16
HEADER: Final = b"x-tags"
FIELD: Final = "metadata.tags"

_TAG: Final = re.compile(r"[a-z0-9_.:-]{1,63}")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NONE: Final[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())
_encode = msgspec.json.Encoder().encode
_LABELS: Final = frozenset(("prompt_cache_key", "safety_identifier", "user", "task_type"))
_NO_LABELS: Final[tuple[dict[str, str], tuple[str, ...]]] = ({}, ())
_optional_text = msgspec.json.Decoder(str | None)


def labels_said(fields: dict[str, msgspec.Raw]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a request says of itself, and the names of the labels that are no text.

    Those are left out: pipelines of Open WebUI send `user` as an object.
    """
    if _LABELS.isdisjoint(fields):
        return _NO_LABELS
    labels: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    for name in [name for name in fields if name in _LABELS]:
        try:
            label = clean_or_none(_optional_text.decode(fields[name]))
        except msgspec.ValidationError:
            left_out = (*left_out, name)
        else:
            if label is not None:
                labels[name] = label
    return labels, left_out


class Tags(NamedTuple):
    """The sound ones, each once, in the order they came; `is_whole`: there were no others."""

    tags: tuple[str, ...]
    is_whole: bool


def is_tag(text: str) -> bool:
    """Whether `text` is 1 to 63 of `a-z 0-9 _ . : -`."""
    return _TAG.fullmatch(text) is not None


def sound_tags(said: Iterable[object]) -> Tags:
    """The first MAX_TAGS of `said` that are tags: no answer hangs on a label."""
    tags: list[str] = []
    is_whole = True
    for one in said:
        if not isinstance(one, str) or not is_tag(one):
            is_whole = False
        elif one not in tags:
            is_whole = is_whole and len(tags) < MAX_TAGS
            tags.append(one)
    return Tags(tuple(tags[:MAX_TAGS]), is_whole)


def tags_of_header(value: bytes) -> Tags:
    """Of an X-Tags header: with commas between them, and blanks where a person put them."""
    return sound_tags(_parts(value[:4096].decode("latin-1")))


def take_tags(fields: dict[str, msgspec.Raw]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take `metadata.tags` out of the fields of a request, which go upstream.

    A list (as LiteLLM's callers send), or a text with commas (OpenAI's metadata holds texts alone).
    The second is FIELD's name where not all of it were tags.
    """
    raw = fields.get("metadata")
    if raw is None or b'"tags"' not in bytes(raw):
        return _NONE
    try:
        metadata = _fields.decode(raw)
    except msgspec.ValidationError:
        return _NONE
    said = _read(metadata.pop("tags", msgspec.Raw(b"null")))
    if said is None:
        return _NONE
    if metadata:
        fields["metadata"] = msgspec.Raw(_encode(metadata))
    else:
        del fields["metadata"]
    if isinstance(said, list):
        found = sound_tags(cast("list[Any]", said))
    else:
        found = sound_tags(_parts(said) if isinstance(said, str) else (said,))
    return found.tags, () if found.is_whole else (FIELD,)


def _read(raw: msgspec.Raw) -> object:
    """What is in `raw`; no tag where a number in it is too large for any decoder."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return ()


def _parts(text: str) -> list[str]:
    return [part for one in text.split(",") if (part := one.strip())]
