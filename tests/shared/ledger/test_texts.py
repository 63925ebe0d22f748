"""Money never hangs on a label: whatever texts a record holds, it becomes a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_type_hints

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from shared.ledger.record import Attempt, UsageFinal, UsageIntent
from shared.ledger.rows import Written, write_batch
from shared.ledger.texts import with_sound_texts
from shared.wire.text import is_unfit
from tests.fakes.usage_records import final, intent

Connection = psycopg.Connection[Any]

HOSTILE = {
    "a NUL": "a\0b",
    "half a surrogate pair": "a\ud83d",
    "a megabyte": "m" * 1_000_000,
    "a megabyte of four bytes a character": "\U0001f600" * 250_000,
    "what no index can compress": "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(5000)),
    "a terminal's commands": "\x1b]0;owned\x07\x9b31m",
    "nothing": "",
    "line breaks": "a\r\nb\u2028c",
}


def texts_of(kind: type[UsageFinal] | type[UsageIntent]) -> list[str]:
    hints = get_type_hints(kind)
    return [name for name, hint in hints.items() if "str" in str(hint) and name != "request_id"]


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        yield connection


def hostile(record: Any, text: str) -> Any:
    """The record with that text in every place that takes one; its state has to be one of two."""
    changed: dict[str, Any] = dict.fromkeys(texts_of(type(record)), text)
    changed |= {"tags": (text, text)}
    if isinstance(record, UsageFinal):
        attempt = Attempt(text, text, 200, text, 1, text)
        changed |= {"attempts": (attempt, attempt), "state": record.state}
    return structs.replace(record, **changed)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_text_at_once_is_no_reason_to_lose_a_row(connection: Connection, text: str) -> None:
    records = [hostile(final(), text), final()]
    assert write_batch(connection, records, [hostile(intent(), text)]) == Written(3, 0, 0)
    cost = connection.execute("SELECT sum(cost_total_usd) FROM usage_daily").fetchone()
    assert cost is not None
    assert str(cost[0]) == "0.005000000000"


@pytest.mark.parametrize("name", [name for name in texts_of(UsageFinal) if name != "state"])
def test_each_text_is_written_cleaned_and_cut_visibly(connection: Connection, name: str) -> None:
    value: Any = "a\0b\ud800" + "c" * 600
    if name == "tags":
        value = (value,)
    elif name == "attempts":
        value = (Attempt(value, "model", 200, None, 1),)
    write_batch(connection, [final(**{name: value})], [])
    row = connection.execute(f"SELECT {name}::text FROM llm_usage_logs".encode()).fetchone()
    assert row is not None
    assert "a\ufffdb\ufffdccc" in row[0]
    assert "c…" in row[0]
    assert len(row[0]) < 620


@given(st.text(max_size=600), st.text(max_size=600))
def test_a_record_with_sound_texts_is_left_as_it_is(one: str, other: str) -> None:
    record = with_sound_texts(final(user_id=one, attempts=(Attempt(other, "m", 1, None, 1),)))
    assert with_sound_texts(record) is record
    is_sound = not is_unfit(one + other, keeps_lines=False) and max(len(one), len(other)) <= 200
    assert not is_sound or record.user_id == one
