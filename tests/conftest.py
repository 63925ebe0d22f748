"""Real PostgreSQL and Valkey, started once a session; every test has a part of its own."""

from __future__ import annotations

import fcntl
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString

import certifi
import psycopg
import pytest
import redis
import trustme
from hypothesis import settings
from psycopg import sql

from shared.embedded import EmbeddedPostgres, EmbeddedValkey, start_postgres, start_valkey
from tests.fakes.place import NewPlace, Place

# Half of Hypothesis' examples: the suite is to stay under 6 minutes on two cores.
settings.register_profile("suite", max_examples=50, deadline=None)
settings.load_profile("suite")

_names = (f"test_{number}" for number in itertools.count())
_MEMORY = Path("/dev/shm")
_ENOUGH_MEMORY_BYTES = 4 << 30


@pytest.fixture(scope="session")
def services_folder() -> Iterator[Path]:
    # A database a test is 840 files a test: a busy disk takes up to a second for them. A
    # container's few MB of such memory would not hold them.
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_MEMORY_BYTES
    # Not pytest's own folder: as root PostgreSQL runs as another user, who could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="switchyard-tests-", dir=_MEMORY if in_memory else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def one_authority(services_folder: Path) -> Iterator[None]:
    """httpx reads the bundle of all authorities for each call, 40 ms of CPU; nothing here asks one
    of their servers.
    """
    bundle = services_folder / "authority.pem"
    trustme.CA().cert_pem.write_to_path(bundle)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(certifi, "where", lambda: str(bundle))
        yield


@pytest.fixture(scope="session")
def postgres_server(services_folder: Path) -> Iterator[EmbeddedPostgres]:
    # One process at a time: as root, each would make the user that PostgreSQL runs as.
    with (Path(tempfile.gettempdir()) / "switchyard-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = start_postgres(services_folder / "postgres", durable=False)
    yield server
    server.stop(mode="immediate")


@pytest.fixture(scope="session")
def shared_valkey(services_folder: Path) -> Iterator[EmbeddedValkey]:
    server = start_valkey(services_folder / "valkey", persist=False)
    yield server
    server.stop()


@pytest.fixture
def own_valkey(services_folder: Path, tmp_path: Path) -> Iterator[Callable[..., EmbeddedValkey]]:
    """Start a Valkey of the test's own, which it may kill; call again to start it anew."""
    folder = services_folder / f"valkey-{tmp_path.name}"
    started: list[EmbeddedValkey] = []

    def start(*, persist: bool = True, port: int | None = None) -> EmbeddedValkey:
        server = start_valkey(folder, persist=persist, port=port)
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


def _create(server: EmbeddedPostgres, template: str | None, more: LiteralString = "") -> str:
    name = next(_names)
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    statement += sql.SQL(more)
    # By default the whole template goes through the WAL, which makes for slow checkpoints.
    statement += sql.SQL(" STRATEGY FILE_COPY")
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(statement)
    return name


def _drop(server: EmbeddedPostgres, name: str) -> None:
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """An empty database."""
    name = _create(postgres_server, None)
    yield postgres_server.dsn_of(name)
    _drop(postgres_server, name)


@pytest.fixture
def ascii_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """An empty database as `initdb` makes them where the environment names no locale."""
    name = _create(postgres_server, "template0", " ENCODING 'SQL_ASCII'")
    yield postgres_server.dsn_of(name)
    _drop(postgres_server, name)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    from shared.migrate.steps import migrate  # noqa: PLC0415  only where a test needs it

    name = _create(postgres_server, None)
    migrate(postgres_server.dsn_of(name), lambda line: None)
    return name


@pytest.fixture
def migrated_database_url(
    postgres_server: EmbeddedPostgres, migrated_template: str
) -> Iterator[str]:
    """A database as `switchyard migrate` leaves it."""
    name = _create(postgres_server, migrated_template)
    yield postgres_server.dsn_of(name)
    _drop(postgres_server, name)


@pytest.fixture(scope="session")
def new_place(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    shared_valkey: EmbeddedValkey,
    services_folder: Path,
) -> NewPlace:
    """A migrated database, an empty database of Valkey's and a folder, which nobody else has."""
    # Valkey has 16; tests empty the first, and by the sixteenth place the first one is done.
    numbers = itertools.cycle(range(1, 16))

    def make(name: str) -> Place:
        database = _create(postgres_server, migrated_template)
        redis_url = f"{shared_valkey.url.removesuffix('/0')}/{next(numbers)}"
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        folder = services_folder / f"{name}-{database}"
        return Place(postgres_server.dsn_of(database), redis_url, folder)

    return make


@pytest.fixture
def redis_url(shared_valkey: EmbeddedValkey) -> str:
    """Database 0 of Valkey, empty: tests of one session run one after another."""
    with redis.Redis.from_url(shared_valkey.url) as client:
        client.flushdb()
    return shared_valkey.url
