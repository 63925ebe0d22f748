"""JSON that others write, read field by field: what is odd in one field loses no other.

The fast way is one typed decode. Where it fails, the text is read a second time, by the standard
library, which also takes what its own `json.dumps` writes and RFC 8259 does not: half a surrogate
pair, NaN and the infinities (read as null), control characters in a text. Of that, each field is
taken where it fits its type, and is as if absent where it does not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin

import msgspec

T = TypeVar("T")


class NotJSON(ValueError):
    """Not UTF-8, no JSON even in this reading, or of another kind than asked for."""


class _Misfit(Exception):
    pass


ABSENT: Final = msgspec.Raw()
_NOTHING: Final = frozenset({b"", b"null", b'""', b"[]", b"{}", b"false", b"0"})
_LONGEST: Final = max(map(len, _NOTHING))


def is_nothing(raw: msgspec.Raw) -> bool:
    """Whether a field is absent, null, empty, false or zero."""
    return raw is ABSENT or (len(raw) <= _LONGEST and bytes(raw) in _NOTHING)


def check_utf8(data: bytes) -> None:
    """Raises NotJSON where it is none, in a field that nobody reads too."""
    try:
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError as error:
        raise NotJSON("not UTF-8") from error


def read_json(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """`data` as the decoder's type, whose fields all have defaults. Raises NotJSON."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # then it is read a second time
    try:
        return _fit(loads(bytes(data)), decoder.type)
    except (_Misfit, RecursionError) as error:
        raise NotJSON("of another kind than asked for") from error


def sound(data: bytes) -> bytes:
    """The same JSON as every client can read it: null for the numbers that are none.

    Python's own writer has NaN and the infinities in `logprobs` (RFC 8259, section 6: "not
    permitted"), at which JavaScript's parser gives up the whole answer. Raises NotJSON.
    """
    if b"Infinity" not in data and b"NaN" not in data:
        return data
    try:
        _anything.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return encode(loads(data))
    return data


_anything = msgspec.json.Decoder()
_text = msgspec.json.Decoder(str)


def read_text(raw: msgspec.Raw) -> str:
    """The text of a raw JSON string, half a surrogate pair too; "" where it is none."""
    data = bytes(raw)
    if data[:1] != b'"':
        return ""
    try:
        return _text.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return loads(data)


def encode(value: object) -> bytes:
    """JSON, also of texts with half a surrogate pair, whose other half may follow."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, default=_plain).encode()


_encode = msgspec.json.Encoder().encode


def _plain(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return loads(bytes(value))
    raise TypeError(type(value).__name__)


def loads(data: bytes) -> Any:
    """The value that `data` is in the second reading. Raises NotJSON."""
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            strict=False,
            parse_float=_finite,
            parse_constant=lambda _: None,
        )
    except (ValueError, RecursionError) as error:
        raise NotJSON("not JSON") from error


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _fit(value: Any, kind: Any) -> Any:
    """`value` as `kind`. Raises _Misfit."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _fit_any(value, get_args(kind))
    if kind is msgspec.Raw:
        return msgspec.Raw(json.dumps(value).encode())
    if kind is str and isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if origin is tuple and isinstance(value, list):
        return tuple(_fit_each(cast("list[Any]", value), get_args(kind)[0]))
    if origin is dict and isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return {name: _fit(part, get_args(kind)[1]) for name, part in parts.items()}
    if isinstance(kind, type):
        if issubclass(kind, msgspec.Struct) and isinstance(value, dict):
            return _fit_fields(cast("dict[str, Any]", value), kind)
        if type(value) is kind and kind in (int, float, bool, type(None)):
            return value
    raise _Misfit


def _fit_any(value: Any, kinds: tuple[Any, ...]) -> Any:
    for kind in kinds:
        try:
            return _fit(value, kind)
        except _Misfit:
            continue
    raise _Misfit


def _fit_each(values: list[Any], kind: Any) -> list[Any]:
    fitting: list[Any] = []
    for value in values:
        try:
            fitting.append(_fit(value, kind))
        except _Misfit:
            continue
    return fitting


def _fit_fields(value: dict[str, Any], kind: type[msgspec.Struct]) -> msgspec.Struct:
    fields: dict[str, Any] = {}
    for name, of in _fields_of(kind).items():
        if name in value:
            try:
                fields[name] = _fit(value[name], of)
            except _Misfit:
                continue
    return kind(**fields)


@cache
def _fields_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The types of its fields, by name."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}
