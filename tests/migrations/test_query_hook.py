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
import sys
import psycopg
from shared.auth.token import mint
from shared.db.access_tokens import create_token, revoke_token

with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("SELECT 'sent by nobody of ours'")
    for role in ("user", "nobody"):
        try:
            create_token(
                connection, token=mint(), name="hunter2", user_id="ada", team_id=None,
                tier="free", role=role,
            )
        except psycopg.IntegrityError as error:
            print(type(error).__name__)
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    revoke_token(connection, 1)
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
    assert created[:2] == ["shared/db/access_tokens.py", "create_token"]
    assert created[2].startswith("INSERT INTO access_tokens (token_digest, token_prefix,")
    digest, *texts = created[3]
    assert (digest, set(texts)) == (17, {0}), "bytea, and what the server is to make out"
    assert created[4][:8] == [*("?", "?", "?", "?", "?", "null"), *("'free'", "'user'")]
    assert set(created[4][8:]) == {"?", "null"}
    assert revoked[1:] == [
        "revoke_token",
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
