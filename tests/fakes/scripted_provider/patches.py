"""Changes to a JSON body or an SSE event that another has written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

_DATA = b"data: "
_encode = msgspec.json.encode


def patched(body: bytes, change: Callable[[Any], Any]) -> bytes:
    """The body, or the one event, with its JSON as `change` returns it."""
    name, mark, data = body.partition(_DATA) if body.endswith(b"\n\n") else (b"", b"", body)
    if data.startswith(b"[DONE]"):
        return body
    end = b"\n\n" if mark else b""
    return name + mark + _encode(change(msgspec.json.decode(data))) + end


def without_usage(body: bytes) -> bytes:
    """Wherever it stands; nothing is left of an event that had nothing else to say."""
    return b"" if b'"choices":[],"usage"' in body else patched(body, _without_usage)


def _without_usage(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_usage(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    return {name: _without_usage(one) for name, one in fields.items() if name != "usage"}
