"""A text of the format, pattern and length that a JSON schema asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.simulated_provider.schema_number import count_of
from functions.simulated_provider.schema_pattern import text_of

PLAIN = "simulated"
_LONGEST = 10_000
_FORMATS: Mapping[str, str] = {
    "date": "2026-01-{day:02}",
    "date-time": "2026-01-{day:02}T12:00:00Z",
    "time": "12:00:{day:02}Z",
    "duration": "P{day}D",
    "email": "simulated{n}@example.com",
    "idn-email": "simulated{n}@example.com",
    "hostname": "simulated{n}.example.com",
    "uri": "https://example.com/simulated{n}",
    "url": "https://example.com/simulated{n}",
    "iri": "https://example.com/simulated{n}",
    "uri-reference": "/simulated{n}",
    "uuid": "00000000-0000-4000-8000-{day:012}",
    "ipv4": "192.0.2.{day}",
    "ipv6": "2001:db8::{day}",
    "byte": "c2ltdWxhdGVk",
    "base64": "c2ltdWxhdGVk",
    "json-pointer": "/simulated{n}",
    "regex": "simulated{n}",
}
"""RFC 3339, 5321, 4122 and the ranges that RFC 2606, 5737 and 3849 keep for examples."""


def text(schema: Mapping[str, Any], nth: int) -> str:
    """The word "simulated" where nothing speaks against it; `nth` tells items of a list apart."""
    least = min(count_of(schema, "minLength", 0), _LONGEST)
    most = count_of(schema, "maxLength", _LONGEST)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        matching = _matching(pattern, least, most)
        if matching is not None:
            return matching
    n = str(nth + 1) if nth else ""
    shape = _FORMATS.get(str(schema.get("format")))
    if shape is not None:
        return shape.format(n=n, day=nth % 28 + 1)
    length = min(max(least, len(PLAIN + n)), most)
    return (PLAIN * (length // len(PLAIN) + 1))[: max(0, length - len(n))] + n[:length]


def _matching(pattern: str, least: int, most: int) -> str | None:
    """The first tried that is of the length asked for, or None."""
    # What may be left out is there once, where there is room: Python's Decimal takes no "".
    for longer in (1, 0, *(2**n for n in range(1, 12))):
        found = text_of(pattern, longer, _LONGEST)
        if found is None or least <= len(found) <= most:
            return found
    return None
