"""An export holds each row once, says what it holds, and goes on where it was ended."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws

from shared.ledger.export import MANIFEST, ExportMismatch, Manifest, export, verify
from shared.ledger.export_store import Folder, Store, open_store
from shared.ledger.filters import UsageFilters
from shared.ledger.pages import read_page_at_once
from shared.ledger.rows import write_batch
from shared.ledger.rows_as_text import Format
from tests.fakes.usage_records import final, request_id_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILTERS = UsageFilters(None, end=NOON + timedelta(days=1))
RECORDS = [
    final(request_id=request_id_at(NOON + timedelta(minutes=number)), cost_total_pico_usd=number)
    for number in range(25)
] + [final(request_id=request_id_at(NOON + timedelta(hours=1)), cost_total_pico_usd=None)]


@pytest.fixture
def database(migrated_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        write_batch(connection, RECORDS, [])
        yield connection


@pytest.fixture(params=["a folder", "S3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    if request.param == "a folder":
        yield str(tmp_path / "export")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="ledger")
        yield "s3://ledger/2026/march/"


def run(database: Any, store: Store, form: Format = Format.JSONL) -> Manifest:
    *_, last = export(database, store, FILTERS, form, rows_a_part=10)
    return last


def lines(store: Store, manifest: Manifest) -> list[dict[str, Any]]:
    contents = [store.get(part.name) for part in manifest.parts]
    return [
        json.loads(line, parse_float=Decimal)
        for content in contents
        for line in (content or b"").splitlines()
    ]


def test_every_row_is_there_once_and_the_manifest_sums_them(database: Any, place: str) -> None:
    store = open_store(place)
    manifest = run(database, store)
    assert [row["request_id"] for row in lines(store, manifest)] == [
        record.request_id for record in RECORDS
    ]
    assert [part.rows for part in manifest.parts] == [10, 10, 6]
    assert manifest.is_complete
    held = json.loads(store.get(MANIFEST) or b"", parse_float=Decimal)
    assert held["sums"] == {
        "rows": 26,
        "total_tokens": 26 * 1200,
        "unpriced": 1,
        "cost_total_usd": "0.0000000003",
    }
    assert verify(store) == manifest


def test_one_that_was_ended_goes_on_behind_its_last_part(database: Any, place: str) -> None:
    store = open_store(place)
    first = next(export(database, store, FILTERS, Format.JSONL, rows_a_part=10))
    assert (first.rows, first.is_complete) == (10, False)
    store.put("usage-00002.jsonl", b"a part that was written before its manifest was")
    manifest = run(database, store)
    assert manifest.rows == 26
    assert len({row["request_id"] for row in lines(store, manifest)}) == 26
    assert verify(store).is_complete
    assert [*export(database, store, FILTERS, Format.JSONL)] == [], "nothing is left to do"


def test_a_part_that_was_changed_is_noticed(database: Any, place: str) -> None:
    store = open_store(place)
    manifest = run(database, store)
    store.put(manifest.parts[1].name, b"{}\n")
    with pytest.raises(ExportMismatch, match="usage-00002"):
        verify(store)


def test_another_export_is_not_written_over(database: Any, place: str) -> None:
    store = open_store(place)
    run(database, store)
    with pytest.raises(ExportMismatch, match="another export"):
        run(database, store, Format.CSV)


def test_csv_has_a_header_in_every_part(database: Any, tmp_path: Path) -> None:
    store = Folder(tmp_path)
    manifest = run(database, store, Format.CSV)
    for part in manifest.parts:
        text = (tmp_path / part.name).read_text("utf-8")
        assert len([*csv.DictReader(io.StringIO(text))]) == part.rows


def test_parquet_holds_what_a_row_holds(database: Any, tmp_path: Path) -> None:
    from pyarrow.parquet import read_table  # noqa: PLC0415  half a second, for this alone

    store = Folder(tmp_path)
    manifest = run(database, store, Format.PARQUET)
    rows = [row for part in manifest.parts for row in read_table(tmp_path / part.name).to_pylist()]
    expected = [
        {**row, **{name: row[name] and json.dumps(row[name]) for name in ("tags", "attempts")}}
        for row in read_page_at_once(database, FILTERS, after=None, limit=100)
    ]
    for row in rows:
        row["attempts"] = json.dumps(json.loads(row["attempts"]))
    assert rows == expected


def test_only_the_owner_can_read_it(database: Any, tmp_path: Path) -> None:
    store = Folder(tmp_path / "new")
    run(database, store)
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()} == {0}


@pytest.mark.parametrize("place", ["S3"], indirect=True)
def test_a_bucket_that_is_not_there_is_said_in_a_line(place: str) -> None:
    with pytest.raises(OSError, match="NoSuchBucket"):
        open_store("s3://other").put("a", b"")


def test_a_bucket_must_be_named() -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        open_store("s3://")
