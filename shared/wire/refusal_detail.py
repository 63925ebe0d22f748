"""What a refusal's body says, in whichever of the documented shapes it comes.

The error may be an object under `error`, at the top, in a choice or in a list; its text may again
be an error as JSON, where a proxy tells what the provider behind it said. Sources: vLLM
(protocol.py, ErrorResponse: at the top); Google wraps it in a list (liliMozi/openhanako issue 394),
with google/rpc/error_details.proto inside (ErrorInfo.reason, RetryInfo.retry_delay); xAI has a text
under `error` (nocmt/LLMSearchPlus issue 2); Mistral and FastAPI have pydantic's list under `detail`
(nomtek/mistralai_client_dart issue 44, partITech/php-mistral issue 76); Groq `x_groq.error`;
Azure `innererror`; MiniMax `base_resp`; OpenRouter `metadata` (openrouter.ai,
docs/api_reference/errors-and-debugging).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, cast

import msgspec

READ_BYTES: Final = 64 * 1024
"""How much is looked at: of an answer that turns out to be an error, too."""

_DEEPEST: Final = 6
_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)
_TITLE: Final = re.compile(rb"(?i)<title[^>]{0,200}>([^<]{1,200})")

_Object = dict[str, Any]
T = TypeVar("T")


class Detail(msgspec.Struct, frozen=True):
    """`codes`: every code it bears, the most telling first. `text` is as it came, `param` too.

    `is_page`: it is HTML or XML, which no provider's API answers with.
    """

    codes: tuple[str, ...] = ()
    param: str | None = None
    text: str | None = None
    retry_delay_s: float | None = None
    is_page: bool = False


def read_detail(body: bytes) -> Detail:
    """What is known of the error; one field of an unexpected type does not hide the others."""
    body = body[:READ_BYTES].strip()
    if body.startswith(b"<"):
        title = _TITLE.search(body)
        return Detail(text=_decoded(title[1]) if title else None, is_page=True)
    found = _parsed(_decoded(body))
    if found is None:
        # A proxy's plain sentence. What begins as JSON and is none was cut, and says nothing whole.
        text = None if body[:1] in {b"{", b"["} else _decoded(body)
        return Detail(text=text or None)
    layers = list(_layers(found))
    codes = [code for tell in (_codes, _kinds) for layer in layers for code in tell(layer)]
    return Detail(
        codes=tuple(dict.fromkeys(codes)),
        param=_last(_param(layer) for layer in layers),
        text=_last(_text(layer) for layer in layers),
        retry_delay_s=_last(_delay_s(layer) for layer in layers),
    )


def _layers(found: object, depth: int = 0) -> Iterator[_Object]:
    """Each object that says something of the error, from the outermost to the innermost."""
    if isinstance(found, str):
        found = _parsed(found)
    if isinstance(found, list):
        items = cast("list[object]", found)
        found = items[0] if items else None
    if not isinstance(found, dict) or depth > _DEEPEST:
        return
    layer = cast(_Object, found)
    yield layer
    metadata = layer.get("metadata")
    inner = (
        *(layer.get(name) for name in ("error", "errors", "choices", "x_groq", "response")),
        *(layer.get(name) for name in ("detail", "message", "innererror", "base_resp")),
        cast(_Object, metadata).get("raw") if isinstance(metadata, dict) else None,
    )
    for one in inner:
        yield from _layers(one, depth + 1)


def _codes(layer: _Object) -> Iterator[str]:
    for detail in _list(layer.get("details")):
        yield from _words(_object(detail).get("reason"))
    metadata = _object(layer.get("metadata"))
    yield from _words(metadata.get("error_type"))
    yield from _words(metadata.get("limit_source"))
    if metadata.get("reasons"):
        yield "moderation"
    yield from _words(layer.get("code"))


def _kinds(layer: _Object) -> Iterator[str]:
    """What is a code only where none is there; Anthropic's wrapper is called `error` itself, and in
    MiniMax's base_resp 0 is no error."""
    if layer.get("type") != "error":
        yield from _words(layer.get("type"))
    for name in ("status", "status_code", "error_code", "http_code"):
        yield from _words(layer.get(name))


def _param(layer: _Object) -> str | None:
    """Where the fault is: pydantic's `loc` is a path that begins with `body`."""
    param, place = layer.get("param"), layer.get("loc")
    if isinstance(place, list):
        param = ".".join(str(part) for part in cast("list[object]", place) if part != "body")
    return param if isinstance(param, str) and param else None


def _text(layer: _Object) -> str | None:
    for name in ("message", "msg", "error", "detail", "error_message", "error_msg", "status_msg"):
        text = layer.get(name)
        if isinstance(text, str) and text.strip() and _parsed(text) is None:
            return text
    return None


def _delay_s(layer: _Object) -> float | None:
    for detail in _list(layer.get("details")):
        delay = _object(detail).get("retryDelay")
        found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found is not None:
            return float(found[1])
    return None


def _parsed(text: str) -> object:
    """The object or list that `text` is as JSON, else None.

    By Python's own parser: it takes half a surrogate pair, which a provider may send.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)[:20]


def _object(value: object) -> _Object:
    return cast(_Object, value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _last(found: Iterable[T | None]) -> T | None:
    """The innermost one: who stands nearest to the fault knows most of it."""
    return next((one for one in reversed(list(found)) if one is not None), None)
