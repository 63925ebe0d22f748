"""Rows of usage as one Parquet file: money exact, times in UTC, nested values as JSON text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.ledger.pages import COLUMNS

Row = Mapping[str, Any]

_MOMENTS: Final = frozenset({"created_at", "billed_at"})
_FLAGS: Final = frozenset({"is_simulated", "used_byok", "was_fallback"})
_NESTED: Final = frozenset({"tags", "attempts"})
_NUMBERS: Final = frozenset(
    {
        *("key_id", "user_key_id", "price_version", "latency_ms", "ttft_ms", "overhead_us"),
        *("status_code", *(name for name in COLUMNS if name.endswith("_tokens"))),
    }
)


def parquet_of(rows: Sequence[Row]) -> bytes:
    """Raises ImportError where pyarrow is not installed."""
    # 45 MB that only this needs, and that has no types.
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    pa: Any = pyarrow
    file_format: Any = parquet
    schema = pa.schema([pa.field(name, _type_of(name, pa)) for name in COLUMNS])
    columns = {name: [_value(name, row[name]) for row in rows] for name in COLUMNS}
    file = io.BytesIO()
    file_format.write_table(pa.table(columns, schema=schema), file, compression="zstd")
    return file.getvalue()


def _type_of(name: str, pa: Any) -> Any:
    if name in _MOMENTS:
        return pa.timestamp("us", "UTC")
    if name in _FLAGS:
        return pa.bool_()
    if name in _NUMBERS:
        return pa.int64()
    if name.endswith("_usd") or name == "tokens_per_second":
        return pa.decimal128(38, 12)
    return pa.string()


def _value(name: str, value: Any) -> Any:
    if name in _NESTED and value is not None:
        return msgspec.json.encode(value).decode()
    return value
