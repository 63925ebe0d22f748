"""What takes something away says so, and since when nobody needs it (migrations/script.py.mako)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from shared.migrate.steps import alembic_config
from tests.migrations import recorded
from tests.migrations.contraction import DECLARATION, UNREADABLE, contractions, declaration

ROOT = Path(__file__).parents[2]
SCRIPTS = ScriptDirectory.from_config(alembic_config())
# Without the first: there was nothing before it.
MIGRATIONS = {
    script.revision: Path(script.path).read_text("utf-8")
    for script in SCRIPTS.walk_revisions()
    if script.down_revision is not None
}
RELEASED = re.findall(r"(?m)^## \[?(\d\S*?)\]? ", (ROOT / "CHANGELOG.md").read_text("utf-8"))
KNOWN_TO_THE_PREVIOUS_RELEASE = {
    script.revision
    for script in SCRIPTS.iterate_revisions(
        tomllib.loads((recorded.FOLDER / recorded.RELEASE).read_text("utf-8"))["migration"], "base"
    )
}

NARROW = {
    "op.drop_column('limits', 'scope')": "drop_column",
    "op.drop_table('limits')": "drop_table",
    "op.rename_table('limits', 'bounds')": "rename_table",
    "op.alter_column('limits', 'scope', new_column_name='kind')": "alter_column",
    "op.alter_column('limits', 'scope', type_=sa.Integer())": "alter_column",
    "op.alter_column('limits', 'scope', nullable=False)": "alter_column",
    "op.alter_column('limits', 'scope', server_default=None)": "alter_column",
    "op.drop_constraint('uq_limits_scope', 'limits')": "drop_constraint",
    "op.drop_constraint('fk_limits', 'limits')": "drop_constraint",
    "op.drop_index('uq_limits_scope')": "drop_index",
    "op.create_unique_constraint('uq_limits_scope', 'limits', ['scope'])": (
        "create_unique_constraint"
    ),
    "op.create_index('uq_limits_scope', 'limits', ['scope'], unique=True)": "create_index",
    "op.create_check_constraint('ck_limits', 'limits', 'a > 0')": "create_check_constraint",
    "op.create_foreign_key('fk', 'limits', 'users', ['a'], ['b'])": "create_foreign_key",
    "op.add_column('limits', sa.Column('a', sa.Text(), nullable=False))": "add_column",
    "with op.batch_alter_table('limits') as batch: batch.drop_column('scope')": "drop_column",
    "op.execute('ALTER TABLE limits DROP COLUMN scope')": "DROP",
    "op.execute('ALTER TABLE limits DROP scope')": "DROP",
    "op.execute('ALTER TABLE limits ALTER scope DROP DEFAULT')": "DROP",
    "op.execute('alter table limits drop constraint if exists uq_limits_scope')": "DROP",
    "op.execute('DROP INDEX CONCURRENTLY uq_limits_scope')": "DROP",
    "op.execute(f'DROP TABLE {table}')": "DROP",
    "op.execute(sa.text('DROP TABLE limits'))": "DROP",
    "op.execute('ALTER TABLE limits RENAME COLUMN scope TO kind')": "RENAME",
    "op.execute('ALTER TABLE limits RENAME TO bounds')": "RENAME",
    "op.execute('ALTER TABLE limits ALTER COLUMN scope SET NOT NULL')": "SET NOT NULL",
    "op.execute('ALTER TABLE limits ALTER COLUMN scope TYPE integer')": "TYPE",
    "op.execute('ALTER TABLE limits ALTER scope SET DATA TYPE integer')": "TYPE",
    "op.execute('ALTER TABLE limits ADD COLUMN a text NOT NULL')": (
        "ADD COLUMN that must be filled"
    ),
    "op.execute('ALTER TABLE limits ADD COLUMN b text DEFAULT 1, ADD a int NOT NULL')": (
        "ADD COLUMN that must be filled"
    ),
    "op.execute('ALTER TABLE limits ADD CONSTRAINT c CHECK (a > 0)')": "ADD of a rule",
    "op.execute('ALTER TABLE limits ADD UNIQUE (a)')": "ADD of a rule",
    "op.execute('CREATE UNIQUE INDEX uq ON limits (scope)')": "UNIQUE INDEX",
    "op.execute('DELETE FROM limits')": "DELETE",
    "op.execute('TRUNCATE limits')": "TRUNCATE",
    "op.execute('REVOKE SELECT ON limits FROM switchyard_app')": "REVOKE",
    "op.execute('ALTER TABLE limits SET SCHEMA other')": "SET SCHEMA",
    "op.execute(statement)": UNREADABLE,
}
EXPANDING = [
    "op.add_column('limits', sa.Column('a', sa.Text()))",
    "op.add_column('limits', sa.Column('a', sa.Text(), nullable=False, server_default='x'))",
    "op.alter_column('limits', 'scope', nullable=True)",
    "op.alter_column('limits', 'scope', server_default='x')",
    "op.drop_index('ix_limits_scope')",
    "op.drop_constraint('ck_limits_scope', 'limits')",
    "op.create_index('ix_limits_scope', 'limits', ['scope'])",
    "op.create_table('a', sa.Column('b', sa.Text()))\n"
    "    op.create_index('uq_a', 'a', ['b'], unique=True)",
    "op.execute('ALTER TABLE limits ADD COLUMN a numeric(30, 12) DEFAULT 0 NOT NULL')",
    "op.execute('ALTER TABLE limits ALTER COLUMN scope DROP NOT NULL')",
    "op.execute('DROP INDEX IF EXISTS ix_limits_scope')",
    "op.execute('DROP TRIGGER IF EXISTS switchyard_watch ON limits')",
    "op.execute('CREATE TABLE a (b text NOT NULL UNIQUE)')\n"
    "    op.execute('CREATE UNIQUE INDEX uq_a ON a (b)')",
    "op.execute('UPDATE limits SET scope = 1 WHERE scope IS NULL')",
    "pass\n\ndef downgrade(): op.drop_table('limits')",
]


@pytest.mark.parametrize("revision", MIGRATIONS)
def test_a_migration_only_expands_or_says_what_it_contracts_and_why_it_may(revision: str) -> None:
    said = declaration(MIGRATIONS[revision])
    assert (said is not None) == bool(contractions(MIGRATIONS[revision])), (
        f"{revision}: {contractions(MIGRATIONS[revision])}, and {DECLARATION} is {said!r}"
    )


@pytest.mark.parametrize("revision", MIGRATIONS)
def test_what_is_contracted_was_used_by_no_release_since_one_that_is_named(revision: str) -> None:
    said = declaration(MIGRATIONS[revision])
    if said is None:
        return
    assert is_reason(said, RELEASED if revision not in KNOWN_TO_THE_PREVIOUS_RELEASE else [])


def is_reason(said: str, released: list[str]) -> bool:
    """Whether it names one of these; with none of them that there is no release is enough."""
    if not released:
        return "no release" in said or re.search(r"\b\d+\.\d+\.\d+\b", said) is not None
    return any(re.search(rf"\b{re.escape(one)}\b", said) for one in released)


@pytest.mark.parametrize("step", NARROW)
def test_each_kind_of_contraction_is_found(step: str) -> None:
    found = contractions(f"def upgrade():\n    {step}\n")
    assert [line.split(": ", 1)[1] for line in found] == [NARROW[step]]


@pytest.mark.parametrize("step", EXPANDING)
def test_what_expands_is_no_contraction(step: str) -> None:
    assert contractions(f'"""We DROP TABLE nothing."""\n\ndef upgrade():\n    {step}\n') == []


def test_a_reason_names_a_release_once_there_is_one() -> None:
    assert is_reason("no release has sent one", [])
    assert not is_reason("it is ugly", [])
    assert not is_reason("no release has sent one", ["1.0.0"])
    assert not is_reason("nothing reads it since 1.1.0", ["1.0.0"])
    assert is_reason("nothing reads it since 1.0.0", ["1.0.0"])
