"""A provider's refusal, by status and documented code alone, never by its wording.

The rows are in refusal_rows.py and, of a single provider, in its file. Sources here: RFC 9110,
section 10.2.3 (Retry-After: seconds or an HTTP date); google/rpc/error_details.proto
(ErrorInfo.reason, RetryInfo.retry_delay); openrouter.ai/docs/api_reference/errors-and-debugging
(metadata; the status as a number in `code` of an answer that is a 200).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from shared.errors import UpstreamError
from shared.wire.providers import KNOWN
from shared.wire.refusal_rows import DOWN, EVERYWHERE, REQUEST, STATUS_OF_CODE, Meaning


class _Metadata(msgspec.Struct, frozen=True):
    """OpenRouter's: `reasons` is there where moderation flagged the input."""

    error_type: str | None = None
    limit_source: str | None = None
    reasons: list[msgspec.Raw] | None = None


class _GoogleDetail(msgspec.Struct, frozen=True, rename="camel"):
    reason: str | None = None
    retry_delay: str | None = None


class _Detail(msgspec.Struct, frozen=True):
    code: str | int | None = None
    type: str | None = None
    param: str | None = None
    status: str | None = None
    metadata: _Metadata | None = None
    details: list[_GoogleDetail] | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code it bears, the most telling first."""
        found = [detail.reason for detail in self.details or ()]
        if self.metadata is not None:
            found += [self.metadata.error_type, self.metadata.limit_source]
            found.append("moderation" if self.metadata.reasons else None)
        found += [None if self.code is None else str(self.code), self.type, self.status]
        return tuple(code for code in found if code is not None)

    @property
    def retry_delay_s(self) -> float | None:
        delays = (_protobuf_duration(detail.retry_delay) for detail in self.details or ())
        return next((delay for delay in delays if delay is not None), None)


class _Refusal(_Detail, frozen=True):
    """vLLM puts the detail at the top (protocol.py, ErrorResponse), everyone else in `error`."""

    error: msgspec.Raw = msgspec.Raw()


_refusal = msgspec.json.Decoder(_Refusal)
_refusals = msgspec.json.Decoder(tuple[_Refusal, ...])
_detail = msgspec.json.Decoder(_Detail)
_plain_detail = msgspec.json.Decoder(dict[str, msgspec.Raw])

_NOTHING: Final = _Detail()

_PARAM: Final = re.compile(r"[a-z_]{1,40}(?:\[\d{1,4}\])?(?:\.[a-z_]{1,40}(?:\[\d{1,4}\])?){0,6}")
"""A field's place as clients write it: no capital, hyphen or digit, so that no key fits."""

_MEANINGS: Final = {
    (slug, status, row.code): row.meaning
    for slug, rows in [(None, EVERYWHERE), *((slug, one.refusals) for slug, one in KNOWN.items())]
    for row in rows
    for status in row.statuses
}

_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)


def read_refusal(
    provider: str, status: int, body: bytes, retry_after: bytes | None, now: datetime
) -> UpstreamError:
    """The error that `status` and the code in `body` stand for; its text is ours.

    `provider` is a slug; `status` 200 is for an error inside an answer or a stream that had begun,
    whose code then says what the status would have been.
    """
    detail = _read_detail(body)
    codes = detail.codes
    if status == 200:
        status = next((known for code in codes if (known := _status_of(code))), 500)
    meaning = _meaning_of(provider, status, codes)
    wait_s = read_retry_after(retry_after, now)
    error = meaning.kind(
        provider,
        meaning.text.format(provider=provider, status=status),
        upstream_status=status,
        retry_after_s=detail.retry_delay_s if wait_s is None else wait_s,
    )
    if error.blames == "request" and detail.param and _PARAM.fullmatch(detail.param):
        error.param = detail.param
    return error


def read_retry_after(value: bytes | None, now: datetime) -> float | None:
    """Seconds to wait from `now`, or None where the header is absent or not understood."""
    if value is None:
        return None
    text = value.decode("latin-1").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass  # then it is a date (RFC 9110, section 10.2.3)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _meaning_of(provider: str, status: int, codes: tuple[str, ...]) -> Meaning:
    """The most telling row: the provider's with a code, without one, anyone's with a code, without
    one; then the status's class. `codes` begin with the most telling."""
    keys = (
        *((provider, status, code) for code in codes),
        (provider, status, None),
        *((None, status, code) for code in codes),
        (None, status, None),
    )
    known = (_MEANINGS[key] for key in keys if key in _MEANINGS)
    return next(known, DOWN if status >= 500 else REQUEST)


def _status_of(code: str) -> int | None:
    if code.isascii() and code.isdigit() and 400 <= int(code[:4]) <= 599:
        return int(code)
    return STATUS_OF_CODE.get(code)


def _protobuf_duration(text: str | None) -> float | None:
    found = _DELAY.fullmatch(text) if text is not None else None
    return float(found[1]) if found is not None else None


def _read_detail(body: bytes) -> _Detail:
    """What is known of the error; Google wraps it in a list.

    Seen in liliMozi/openhanako issue 394, at its OpenAI-compatible endpoint.
    """
    try:
        if body.lstrip()[:1] == b"[":
            refusals = _refusals.decode(body)
            refusal = refusals[0] if refusals else _NOTHING
        else:
            refusal = _refusal.decode(body)
        if isinstance(refusal, _Refusal) and bytes(refusal.error)[:1] == b"{":
            return _tolerant(bytes(refusal.error))
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING
    return refusal


def _tolerant(error: bytes) -> _Detail:
    """One field of an unexpected type does not hide the others."""
    try:
        return _detail.decode(error)
    except msgspec.ValidationError:
        fields = _plain_detail.decode(error)
        kept = {name: raw for name, raw in fields.items() if _is_readable(name, raw)}
        return _detail.decode(msgspec.json.encode(kept))


def _is_readable(name: str, raw: msgspec.Raw) -> bool:
    try:
        _detail.decode(msgspec.json.encode({name: raw}))
    except msgspec.ValidationError:
        return False
    return True
