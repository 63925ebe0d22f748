"""Runs recorded statements on the schema of today, and says of each what that schema refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.postgres import types

from tests.migrations.recorded import Recorded

_NAMES = {0: "unknown"} | {one.oid: one.name for one in types}
_NAMES |= {one.array_oid: f"{one.name}[]" for one in types if one.array_oid}
_OIDS = {name: oid for oid, name in _NAMES.items()}
_SAMPLES = {
    "bool": "true",
    "date": "today",
    "inet": "127.0.0.1",
    "interval": "1 day",
    "json": "{}",
    "jsonb": "{}",
    "timestamptz": "now",
    "uuid": "00000000-0000-7000-8000-000000000001",
} | dict.fromkeys(["int2", "int4", "int8", "numeric", "float4", "float8", "oid"], "1")
_COPY = re.compile(r"COPY (\w+) \((.+)\) FROM STDIN", re.DOTALL)
_IS_REFERRED_TO = psycopg.errors.ForeignKeyViolation.sqlstate
# What Python reads as the same.
_SAME = {"smallint": "integer", "bigint": "integer", "character varying": "text", "json": "jsonb"}


class Refused(Exception):
    """What the server, or the caller of the statement, would say."""

    def __init__(self, said: str, sqlstate: str = "") -> None:
        super().__init__(said)
        self.sqlstate = sqlstate


def type_name(oid: int) -> str:
    return _NAMES[oid]


def complaints(connection: psycopg.Connection[Any], recorded: Sequence[Recorded]) -> list[str]:
    """A line for each statement that would fail, or give its caller other columns.

    Nothing that is done stays. Rows are made by the recorded INSERTs first, so that an UPDATE has
    something to break.
    """
    with connection.transaction(force_rollback=True):
        found = list(_furnish(connection, recorded))
        for one in recorded:
            if one.verb != "CREATE":
                found += [_line(one, error) for error in _judge(connection, one)]
        return found


def described(connection: psycopg.Connection[Any], one: Recorded) -> tuple[str, ...]:
    """The columns that the statement gives, as `name type`. Raises Refused."""
    _checked(connection.pgconn.prepare(b"", *_declared(one)))
    return _columns(connection, connection.pgconn.describe_prepared(b""))


def _judge(connection: psycopg.Connection[Any], one: Recorded) -> Iterator[Refused]:
    """The first thing said against it, if any."""
    for number, row in enumerate(_rows(one)):
        sample = f"y{number}" if one.inserts else "x0"
        try:
            with connection.transaction(force_rollback=True):
                _run(connection, one, row, sample)
        except Refused as error:
            if not _is_of_the_sample(one, error):
                yield error
                return


def _is_of_the_sample(one: Recorded, error: Refused) -> bool:
    """The row that is deleted is one of the seeds', which others refer to."""
    return one.verb == "DELETE" and error.sqlstate == _IS_REFERRED_TO


def _furnish(connection: psycopg.Connection[Any], recorded: Sequence[Recorded]) -> Iterator[str]:
    """Temporary tables, and rows; complains of the former alone: of rows the caller will hear."""
    for one in recorded:
        if one.verb == "CREATE":
            try:
                with connection.transaction():
                    _run(connection, one, (), "")
            except Refused as error:
                yield _line(one, error)
    inserting = sorted((one for one in recorded if one.inserts), key=lambda one: one.verb != "COPY")
    # Again, for those that found no row to refer to.
    for _ in range(2):
        for one in inserting:
            for number, row in enumerate(_rows(one)):
                # The same statement is run for judgement, too.
                with suppress(Refused), connection.transaction():
                    _run(connection, one, row, f"x{number}")


def _run(
    connection: psycopg.Connection[Any], one: Recorded, row: Sequence[str], sample: str
) -> None:
    if one.verb == "CREATE":
        _checked(connection.pgconn.exec_(f"{one.sql}".encode()))
        return
    if one.verb == "COPY":
        _copy(connection, one, row, sample)
        return
    pgconn = connection.pgconn
    _checked(pgconn.prepare(b"", *_declared(one)))
    columns = pgconn.describe_prepared(b"")
    _checked(pgconn.exec_prepared(b"", _values(connection, row, sample)))
    _compare(one, _columns(connection, columns))


def _copy(
    connection: psycopg.Connection[Any], one: Recorded, row: Sequence[str], sample: str
) -> None:
    pgconn = connection.pgconn
    place = _COPY.fullmatch(one.sql)
    assert place is not None, one.sql
    table, columns = place.groups()
    _checked(pgconn.prepare(b"", f"SELECT {columns} FROM {table}".encode()))
    result = pgconn.describe_prepared(b"")
    kinds = [_NAMES[result.ftype(number)] for number in range(result.nfields)]
    line = [_value(kind, token, sample) for kind, token in zip(kinds, row, strict=True)]
    _checked(pgconn.exec_(one.sql.encode()))
    text = "\t".join(r"\N" if value is None else value for value in line)
    pgconn.put_copy_data(f"{text}\n".encode())
    pgconn.put_copy_end()
    results = iter(pgconn.get_result, None)
    for done in list(results):
        _checked(done)


def _rows(one: Recorded) -> tuple[tuple[str, ...], ...]:
    return one.sends or ((),)


def _declared(one: Recorded) -> tuple[bytes, list[int]]:
    return one.sql.encode(), [_OIDS[name] for name in one.takes]


def _values(
    connection: psycopg.Connection[Any], row: Sequence[str], sample: str
) -> list[bytes | None]:
    """Of the types that the server has made out for the parameters of the statement."""
    asked = connection.pgconn.describe_prepared(b"")
    kinds = [_NAMES[asked.param_type(number)] for number in range(asked.nparams)]
    values = [_value(kind, token, sample) for kind, token in zip(kinds, row, strict=True)]
    return [None if value is None else value.encode() for value in values]


def _value(kind: str, token: str, sample: str) -> str | None:
    if token == "null":
        return None
    if token != "?":
        return token.strip("'")
    if kind.endswith("[]"):
        return f"{{{_value(kind.removesuffix('[]'), token, sample)}}}"
    return _SAMPLES.get(kind, sample)


def _columns(connection: psycopg.Connection[Any], result: pq.abc.PGresult) -> tuple[str, ...]:
    columns = [
        (bytes(result.fname(number) or b"").decode(), result.ftype(number), result.fmod(number))
        for number in range(result.nfields)
    ]
    with connection.cursor() as cursor:
        named = cursor.execute(
            "SELECT format_type(oid, mod) FROM unnest(%s::oid[], %s::int[])"
            " WITH ORDINALITY AS asked (oid, mod, place) ORDER BY place",
            ([oid for _, oid, _ in columns], [mod for _, _, mod in columns]),
        ).fetchall()
    return tuple(f"{name} {kind}" for (name, _, _), (kind,) in zip(columns, named, strict=True))


def _compare(one: Recorded, columns: tuple[str, ...]) -> None:
    """By name, since `SELECT *` may give more; the last of a name counts, as in a dict."""
    now = dict(column.split(" ", 1) for column in columns)
    for column in one.gives:
        name, kind = column.split(" ", 1)
        if name not in now:
            raise Refused(f'column "{name}" is not given any more')
        if _read_as(now[name]) != _read_as(kind):
            raise Refused(f'column "{name}" is given as {now[name]}, not as {kind}')


def _read_as(kind: str) -> str:
    plain = re.sub(r"\(.*\)", "", kind)
    return _SAME.get(plain, plain)


def _checked(result: pq.abc.PGresult) -> None:
    if result.status == pq.ExecStatus.FATAL_ERROR:
        state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        raise Refused(result.get_error_message().strip().split("\n")[0], state.decode())


def _line(one: Recorded, error: Refused) -> str:
    return f"{one}: {error}: {' '.join(one.sql.split())[:200]}"
