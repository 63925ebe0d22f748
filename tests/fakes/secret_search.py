"""Looks for secrets wherever a deployment may have left them, however they are encoded."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import redis
from psycopg import sql


def forms(secret: str) -> dict[str, bytes]:
    """The secret as it may stand in a text, by the name of the encoding.

    In base64 it looks different by where it begins in what was encoded; of each of the three the
    part is taken that depends on the secret alone.
    """
    raw = secret.encode()
    found = {
        "plain": raw,
        "URL-encoded": quote(secret, safe="").encode(),
        "URL-encoded, path": quote(secret).encode(),
        "URL-encoded, form": quote_plus(secret, safe="-").encode(),
        "hex": raw.hex().encode(),
    }
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        first = (before * 8 + 5) // 6
        whole = (before + len(raw)) * 8 // 6
        found[f"base64, {before}"] = coded[first:whole]
        found[f"base64 for URLs, {before}"] = coded[first:whole].translate(
            bytes.maketrans(b"+/", b"-_")
        )
    return found


def leaks(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> set[tuple[str, str, str]]:
    """(place, secret's name, encoding) of each that is found; upper and lower case are one."""
    found: set[tuple[str, str, str]] = set()
    for place, held in places.items():
        # JSON in JSON has backslashes before slashes; a form has none.
        lower = held.lower().replace(b"\\", b"")
        for name, secret in secrets.items():
            for encoding, form in forms(secret).items():
                # Base64 has a meaning for case, but a coincidence of that length has not.
                if form.lower() in lower:
                    found.add((place, name, encoding))
    return found


def dump_database(url: str) -> bytes:
    """Every row of every table, in all schemas but PostgreSQL's own, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm')"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        ).fetchall()
        lines: list[str] = []
        for schema, table in tables:
            query = sql.SQL("SELECT one::text FROM {} AS one").format(sql.Identifier(schema, table))
            lines += [f"{table} {row}" for (row,) in connection.execute(query)]
    return "\n".join(lines).encode()


def dump_redis(url: str) -> bytes:
    """Every key with all that it holds."""
    with redis.Redis.from_url(url) as client:
        return b"\n".join(b"%s %s" % (key, _held(client, key)) for key in client.scan_iter())


def _held(client: Any, key: bytes) -> bytes:
    kind = client.type(key).decode()
    reads = {
        "string": lambda: [client.get(key)],
        "list": lambda: client.lrange(key, 0, -1),
        "set": lambda: client.smembers(key),
        "hash": lambda: client.hgetall(key),
        "zset": lambda: client.zrange(key, 0, -1),
        "stream": lambda: client.xrange(key),
    }
    return b" ".join(_flat(reads[kind]()))


def _flat(held: Any) -> Iterator[bytes]:
    if isinstance(held, bytes):
        yield held
    elif isinstance(held, Mapping):
        yield from _flat(list(held.items()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif held is not None:
        for one in held:
            yield from _flat(one)


def dump_folder(folder: Path) -> bytes:
    """Names and contents of all files."""
    files = [one for one in sorted(folder.rglob("*")) if one.is_file()]
    return b"\n".join(str(one).encode() + b" " + one.read_bytes() for one in files)
