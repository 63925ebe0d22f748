"""A provider's refusal, by status and documented code alone, never by its wording.

The rows are in refusal_rows.py and, of a single provider, in its file. Its sentence is passed on,
cleaned, and decides nothing. Source here: RFC 9110, section 10.2.3 (Retry-After: seconds or an HTTP
date).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from shared.errors import Blame, UpstreamError
from shared.wire.limit_headers import capped_s
from shared.wire.providers import KNOWN
from shared.wire.refusal_detail import Detail, read_detail
from shared.wire.refusal_rows import (
    BROKEN,
    DOWN,
    EVERYWHERE,
    PAGE,
    REDIRECT,
    REQUEST,
    STATUS_OF_CODE,
    Meaning,
)
from shared.wire.refusal_text import MAX_LENGTH, clean_text, is_clean

_PARAM: Final = re.compile(r"[A-Za-z_$][\w$-]{0,60}(?:\[\d{1,4}\]|\.[\w$-]{1,60}){0,12}")
"""A field's place as providers write it: `messages[1].content`, `tools.0.function.parameters`."""

_CODE: Final = re.compile(r"(?!\d+$)[A-Za-z0-9][\w.-]{0,63}")

_ROWS: Final = [
    (slug, row)
    for slug, rows in [(None, EVERYWHERE), *((slug, one.refusals) for slug, one in KNOWN.items())]
    for row in rows
]
_MEANINGS: Final = {
    (slug, status, row.code): row.meaning for slug, row in _ROWS for status in row.statuses
}
_STATUSES: Final = {(slug, row.code): row.statuses[0] for slug, row in reversed(_ROWS)}


def read_refusal(
    provider: str,
    status: int,
    body: bytes,
    retry_after: bytes | None,
    now: datetime,
    secrets: Iterable[str] = (),
) -> UpstreamError:
    """The error that `status` and the code in `body` stand for, with the provider's own words.

    `provider` is a slug; a `status` from 200 to 299 is for an error inside an answer or an event of
    a stream that had begun, whose code then says what the status would have been. `secrets` is what
    was sent and must not come back: the key.
    """
    detail = read_detail(body)
    meaning, status = _meaning_of(provider, status, detail)
    wait_s = read_retry_after(retry_after, now)
    text = clean_text(detail.text, secrets) if detail.text else ""
    code = next((one for one in detail.codes if _CODE.fullmatch(one) and is_clean(one)), None)
    param = detail.param
    if param is not None and not (_PARAM.fullmatch(param) and is_clean(param)):
        param = None
    error = meaning.kind(
        provider,
        _with_reason(meaning.text.format(provider=provider, status=status), text),
        retry_after_s=capped_s(detail.retry_delay_s) if wait_s is None else wait_s,
    )
    if error.blames is Blame.REQUEST:
        error.param = param
    error.upstream_status = status
    error.provider_code = code
    error.detail = _in_one_line(status, code, param, text)
    return error


def read_retry_after(value: bytes | None, now: datetime) -> float | None:
    """Seconds to wait from `now`, or None where the header is absent or not understood."""
    if value is None:
        return None
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        # Longer ones are beyond every cap, and int() refuses thousands of digits.
        return capped_s(float(text[:20]) if len(text) <= 20 else float("inf"))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return capped_s((date - now).total_seconds())


def _meaning_of(provider: str, status: int, detail: Detail) -> tuple[Meaning, int]:
    """What it means, and the status it has or, inside an answer, would have had."""
    if 300 <= status < 400:
        return REDIRECT, status
    if detail.is_page and status != 413:
        # A proxy or a CDN speaks, not the API. Of a body's length it may be the judge.
        return PAGE, status
    if 200 <= status < 300:
        known = next(
            (known for code in detail.codes if (known := _status_of(provider, code))), None
        )
        if known is None:
            return BROKEN, 500
        status = known
    return _row(provider, status, detail.codes), status


def _row(provider: str, status: int, codes: tuple[str, ...]) -> Meaning:
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


def _status_of(provider: str, code: str) -> int | None:
    if code.isascii() and code.isdigit() and 400 <= int(code[:4]) <= 599:
        return int(code)
    return (
        _STATUSES.get((provider, code)) or STATUS_OF_CODE.get(code) or _STATUSES.get((None, code))
    )


def _with_reason(ours: str, text: str) -> str:
    if not text:
        return ours
    end = "" if text.endswith((".", "!", "?", "…")) else "."
    return f"{ours.removesuffix('.')}: {text}{end}"


def _in_one_line(status: int, code: str | None, param: str | None, text: str) -> str:
    """For the log and the usage row: everything that is known, at most MAX_LENGTH characters."""
    place = f" at {param}" if param else ""
    line = f"HTTP {status}" + (f", {code}" if code else "") + place + (f": {text}" if text else "")
    return line[:MAX_LENGTH]
