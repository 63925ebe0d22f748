"""One owner each: DESIGN.md section 2 (imports), section 3 (environment), section 7 (sockets)."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch

import pytest

from tests.architecture.tree import Module, Use, modules

# What is imported, and the only places that may. A pattern's `*` passes slashes too.
AWS = [
    *("shared/vault/*", "shared/spool/queue.py", "shared/ledger/export_store.py"),
    "shared/health/check_call.py",
]
IMPORTS = {
    "alembic": ["shared/migrate/steps.py", "migrations/*"],
    "apscheduler": ["functions/clock/*"],
    "boto3": AWS,
    "botocore": AWS,
    "click": ["shared/cli/*"],
    "cryptography": ["shared/vault/*"],
    "dramatiq": ["functions/worker/*", "functions/*/actor.py", "shared/jobs.py"],
    "genai_prices": ["shared/catalog/genai_prices.py"],
    # They ask our own gateway: /readyz on loopback, and /route.
    "http.client": [
        *("shared/cli/running/ready.py", "shared/cli/ask_gateway.py"),
        "shared/cli/provider_bill.py",  # asks a cost API, for an operator at a terminal
    ],
    "httptools": ["shared/upstream/*", "shared/http_protocol.py", "shared/http_head.py"],
    "httpx": ["functions/deliver_billing/receivers.py", "shared/telemetry/sender.py"],
    "mangum": ["shared/aws/http_entry.py"],
    "pydantic_settings": ["shared/settings.py"],
    "redis": ["shared/keyspace.py"],
    # `migrate` puts SQLAlchemy's error for a refused statement into one line.
    "sqlalchemy": [
        "shared/db/tables/*",
        "shared/migrate/*",
        "migrations/*",
        "shared/cli/commands/migrate.py",
    ],
    "sqlmodel": ["shared/db/tables/*", "migrations/*"],
    "structlog": ["shared/log.py"],
    "subprocess": ["shared/cli/*", "shared/embedded.py"],
}
NOWHERE = [
    *("cloudpickle", "dill", "marshal", "pickle", "shelve"),
    *("aiohttp", "httpx2", "requests", "urllib.request", "urllib3"),
]
ENVIRONMENT = re.compile(r"os\.(environb?|getenvb?|putenv|unsetenv)")
SOCKET = re.compile(
    r"socket\.(socket|socketpair|create_connection|create_server|fromfd)"
    r"|.+\.(open_connection|open_unix_connection|create_connection|create_unix_connection"
    r"|create_server|create_unix_server|start_server|start_unix_server|create_datagram_endpoint"
    r"|sock_connect)"
)
CLOCK = re.compile(r"(.+\.)?(datetime|date)\.(now|utcnow|today)")


def is_in(path: str, owners: Sequence[str]) -> bool:
    return any(fnmatch(path, owner) for owner in owners)


def strays(
    uses: Callable[[Module], Iterable[Use]],
    owners: Sequence[str],
    among: Iterable[Module] | None = None,
) -> list[str]:
    """`path:line name` of each use outside the owners."""
    return [
        f"{module.path}:{line} {name}"
        for module in (modules() if among is None else among)
        if not is_in(module.path, owners)
        for name, line in uses(module)
    ]


def imports_of(package: str) -> Callable[[Module], Iterator[Use]]:
    def find(module: Module) -> Iterator[Use]:
        for name, line in module.imports():
            if name.startswith(ANYWHERE):
                continue
            if name == package or name.startswith(package + "."):
                yield name, line

    return find


def names_like(pattern: re.Pattern[str]) -> Callable[[Module], Iterator[Use]]:
    """Finds `os.environ` as used, and as imported by `from os import environ`."""

    def find(module: Module) -> Iterator[Use]:
        for name, line in [*module.attributes(), *module.imports()]:
            if pattern.fullmatch(name):
                yield name, line

    return find


def texts_like(pattern: re.Pattern[str]) -> Callable[[Module], Iterator[Use]]:
    """Finds literals, the parts of f-strings too."""

    def find(module: Module) -> Iterator[Use]:
        for node in ast.walk(module.syntax):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and pattern.fullmatch(text):
                yield text, node.lineno

    return find


def calls_of(*names: str) -> Callable[[Module], Iterator[Use]]:
    def find(module: Module) -> Iterator[Use]:
        return ((name, line) for name, line in module.calls() if name in names)

    return find


# Their errors are caught by whoever calls.
ANYWHERE = ("redis.exceptions",)
# Whoever opens one says how long it waits: these say it once.
POSTGRES = [
    "shared/db/session.py",
    "shared/db/connect.py",
    # Makes databases in the server that it has just started itself.
    "shared/embedded.py",
]
OPENS_POSTGRES = re.compile(r"(.+\.)?(Async)?Connection\.connect|psycopg\.connect")
KEY = re.compile(r"switchyard:(\S.*)?")


@pytest.mark.parametrize("package", IMPORTS)
def test_a_package_is_imported_by_its_owner_alone(package: str) -> None:
    assert strays(imports_of(package), IMPORTS[package]) == []


def test_connections_to_postgresql_are_opened_in_one_place() -> None:
    assert strays(names_like(OPENS_POSTGRES), POSTGRES) == []


def test_a_key_of_redis_is_written_in_one_place() -> None:
    """A message that says who speaks has a blank behind the colon."""
    assert strays(texts_like(KEY), ["shared/keyspace.py"]) == []


def test_a_job_has_its_row_in_one_place() -> None:
    assert strays(calls_of("Job"), ["shared/jobs.py"]) == []


@pytest.mark.parametrize("package", NOWHERE)
def test_nothing_unpickles_or_brings_a_second_http_client(package: str) -> None:
    assert strays(imports_of(package), []) == []


def test_every_owner_named_here_exists() -> None:
    paths = [module.path for module in modules()]
    owners = {owner for owners in IMPORTS.values() for owner in owners}
    assert [owner for owner in owners if not any(is_in(path, [owner]) for path in paths)] == []


def test_only_the_settings_read_the_environment() -> None:
    assert strays(names_like(ENVIRONMENT), ["shared/settings.py"]) == []


def test_sockets_are_opened_in_upstream_and_by_who_looks_for_a_free_port() -> None:
    owners = ["shared/upstream/*", "shared/embedded.py", "shared/cli/running/port.py"]
    assert strays(names_like(SOCKET), owners) == []


def test_nothing_is_run_from_text() -> None:
    assert strays(calls_of("eval", "exec", "compile", "__import__"), []) == []


def test_modules_are_found_by_name_only_where_a_folder_is_a_list() -> None:
    owners = ["shared/cli/main.py", "shared/folders.py", "functions/worker/main.py"]
    # A provider is one file, so no other one lists it.
    owners.append("shared/wire/providers/__init__.py")
    # This one asks importlib.metadata which release of genai-prices is installed.
    owners.append("shared/catalog/known_models.py")
    assert strays(imports_of("importlib"), owners) == []


def test_only_the_command_line_prints() -> None:
    assert strays(calls_of("print"), ["shared/cli/*"]) == []


def test_routing_pricing_and_wire_are_given_the_time() -> None:
    pure = modules("shared/routing", "shared/pricing", "shared/wire")
    assert strays(names_like(CLOCK), [], pure) == []


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("import cryptography.fernet", imports_of("cryptography")),
        ("def late():\n    from cryptography.fernet import Fernet", imports_of("cryptography")),
        ("from http import client", imports_of("http.client")),
        ("from urllib import request", imports_of("urllib.request")),
        ("import os\nos.environ['HOME']", names_like(ENVIRONMENT)),
        ("from os import getenv", names_like(ENVIRONMENT)),
        ("import socket\nsocket.socket()", names_like(SOCKET)),
        ("async def dial(self):\n    await self._loop.create_connection()", names_like(SOCKET)),
        ("from asyncio import open_connection", names_like(SOCKET)),
        ("from datetime import datetime\ndatetime.now()", names_like(CLOCK)),
        ("print(1)", calls_of("print")),
        ("import redis", imports_of("redis")),
        ("from redis.asyncio import Redis", imports_of("redis")),
        ("import psycopg\npsycopg.connect(dsn)", names_like(OPENS_POSTGRES)),
        ("from psycopg import connect", names_like(OPENS_POSTGRES)),
        ("psycopg.AsyncConnection.connect(dsn)", names_like(OPENS_POSTGRES)),
        ("AsyncConnection.connect(dsn)", names_like(OPENS_POSTGRES)),
        ("key = 'switchyard:usage'", texts_like(KEY)),
        ("key = f'switchyard:{name}:nudge'", texts_like(KEY)),
    ],
)
def test_a_stray_use_is_seen(source: str, uses: Callable[[Module], Iterable[Use]]) -> None:
    module = Module("shared/elsewhere.py", source)
    assert len(strays(uses, [], [module])) == 1
    assert strays(uses, ["shared/*"], [module]) == []


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("import cryptographyish", imports_of("cryptography")),
        ("import socket\nsocket.gethostname()", names_like(SOCKET)),
        ("from http import HTTPStatus", imports_of("http.client")),
        ("console.print(1)", calls_of("print")),
        ("from redis.exceptions import RedisError", imports_of("redis")),
        ("async def use(c: psycopg.AsyncConnection): ...", names_like(OPENS_POSTGRES)),
        ("text = f'switchyard: {message}'", texts_like(KEY)),
    ],
)
def test_a_harmless_use_is_let_be(source: str, uses: Callable[[Module], Iterable[Use]]) -> None:
    assert strays(uses, [], [Module("shared/elsewhere.py", source)]) == []
