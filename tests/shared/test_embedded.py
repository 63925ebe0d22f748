"""The embedded services let nobody in who cannot read their passwords."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from shared import embedded
from shared.embedded import EmbeddedPostgres, start_postgres, start_valkey

POSTGRES = "postgresql://postgres@127.0.0.1:{port}/postgres"


@pytest.fixture
def folder(services_folder: Path, tmp_path: Path) -> Path:
    made = services_folder / tmp_path.name
    made.mkdir()
    return made


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = start_postgres(folder / "postgres", durable=False)
    yield server
    server.stop(mode="immediate")


def lets_in(url: str) -> bool:
    try:
        with psycopg.connect(url):
            return True
    except psycopg.OperationalError:
        return False


def is_private(file: Path) -> bool:
    return not stat.S_IMODE(file.stat().st_mode) & 0o077


@pytest.mark.parametrize("login", ["postgres@", "postgres:@", "postgres:guessed@", "pgserver@", ""])
@pytest.mark.parametrize("database", ["postgres", "switchyard", "template1"])
def test_postgresql_lets_nobody_in_without_its_password(
    postgres: EmbeddedPostgres, login: str, database: str
) -> None:
    assert not lets_in(f"postgresql://{login}127.0.0.1:{postgres.port}/{database}")
    assert lets_in(postgres.dsn_of(database))


def test_its_password_is_in_a_file_of_its_user_alone_and_in_no_repr(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    file = folder / "postgres.password"
    assert is_private(file)
    assert file.read_text() in postgres.dsn
    assert len(file.read_text()) == 48
    assert file.read_text() not in repr(postgres)


def test_a_second_start_keeps_the_password_and_a_lost_file_gets_another(folder: Path) -> None:
    first = start_postgres(folder / "postgres", durable=False)
    first.stop()
    second = start_postgres(folder / "postgres", durable=False)
    second.stop(mode="immediate")
    assert second.dsn == first.dsn
    (folder / "postgres.password").unlink()
    third = start_postgres(folder / "postgres", durable=False)
    assert lets_in(third.dsn)
    assert not lets_in(first.dsn_of("switchyard"))
    third.stop(mode="immediate")


def test_a_cluster_of_the_last_release_is_taken_over_with_what_it_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It trusts everybody on 127.0.0.1, has no password, and was killed."""
    with monkeypatch.context() as older:
        older.setattr(embedded, "_ACCESS", "host all all 127.0.0.1/32 trust\n")
        before = start_postgres(folder / "postgres")
    without = POSTGRES.format(port=before.port)
    with psycopg.connect(without, autocommit=True) as connection:
        connection.execute("ALTER ROLE postgres PASSWORD NULL")
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    before.stop(mode="immediate")
    (folder / "postgres.password").unlink()
    after = start_postgres(folder / "postgres")
    assert not lets_in(without)
    with psycopg.connect(after.dsn_of("postgres")) as connection:
        assert connection.execute("SELECT seven FROM kept").fetchone() == (7,)
    assert after.port == before.port
    after.stop(mode="immediate")


def test_valkey_answers_nothing_without_its_password_and_keeps_its_files_to_itself(
    folder: Path,
) -> None:
    place = folder / "valkey"
    place.mkdir(mode=0o755)
    server = start_valkey(place)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
            for command in (b"PING", b"FLUSHALL", b"XLEN switchyard:usage", b"AUTH guessed"):
                connection.sendall(command + b"\r\n")
                assert connection.recv(200)[:7] in (b"-NOAUTH", b"-WRONGP")
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        assert is_private(place)
        assert is_private(place / "password")
        assert server.password not in repr(server)
    finally:
        server.stop()
    again = start_valkey(place)
    assert again.url == server.url
    again.stop()
