"""What is recorded of a process that sends SQL: the statement, and nothing that was said in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.migrations import query_hook, recorded
from tests.migrations.recorded import Recorded

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio
import sys
import psycopg
from shared.auth.token import mint
from shared.db.access_tokens import NewToken, end_token, insert_token

def new(role):
    return NewToken("hunter2", "ada", None, "free", role, [], None, None, "tests")

async def send():
    connect = psycopg.AsyncConnection.connect
    async with await connect(sys.argv[1], autocommit=True) as connection:
        await connection.execute("SELECT 'sent by nobody of ours'")
        for role in ("user", "nobody"):
            try:
                await insert_token(connection, mint(), new(role))
            except psycopg.IntegrityError as error:
                print(type(error).__name__)
        await end_token(connection, 1)

asyncio.run(send())
"""


def test_a_statement_is_noted_with_its_sender_types_and_known_words_alone(
    migrated_database_url: str, tmp_path: Path
) -> None:
    (tmp_path / query_hook.WORDS).write_text(json.dumps(["free", "user"]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, migrated_database_url],
        env={
            **os.environ,
            query_hook.FOLDER: str(tmp_path),
            "PYTHONPATH": f"{Path(query_hook.__file__).parent / 'hook'}{os.pathsep}{ROOT}",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "CheckViolation\n", "the second is refused, and so not to be served again"
    [file] = tmp_path.glob("*.jsonl")
    created, revoked = map(json.loads, file.read_text("utf-8").splitlines())
    assert created[:2] == ["shared/db/access_tokens.py", "insert_token"]
    assert created[2].startswith("INSERT INTO access_tokens (token_digest, token_prefix,")
    digest, *texts = created[3]
    assert (digest, set(texts)) == (17, {0}), "bytea, and what the server is to make out"
    assert created[4][:8] == [*("?", "?", "?", "?", "?", "null"), *("'free'", "'user'")]
    assert set(created[4][8:]) == {"?", "null"}
    assert revoked[1:] == [
        "end_token",
        "UPDATE access_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL",
        [21],
        ["?"],
    ]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    statements = [
        Recorded("functions/clock/fence.py", "trim", "DELETE FROM job_runs"),
        Recorded(
            "shared/db/keys.py",
            "find",
            "SELECT a,\n    b -- why\nFROM keys WHERE c = $1",
            takes=("int2", "unknown"),
            sends=(("?", "'prefer'"), ("?", "null")),
            gives=("a numeric(30,12)", "b character varying(100)"),
        ),
        Recorded("shared/db/keys.py", "make", "CREATE TEMPORARY TABLE staged (a int)"),
    ]
    recorded.write(statements, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fence.sql", "keys.sql"]
    assert recorded.read(tmp_path) == statements
    recorded.write(statements[:1], tmp_path)
    assert recorded.read(tmp_path) == statements[:1]
