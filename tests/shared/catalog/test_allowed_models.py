"""A token's list of allowed models holds only what a caller may send as `model`."""

from __future__ import annotations

import asyncio

import pytest

from shared.catalog.aliases import ModelAliases, NewAlias
from shared.catalog.allowed_models import check_allowed
from shared.db.audit import Actor
from shared.db.connections import CommandDatabase
from shared.errors import InvalidField

GOOD = (
    *("auto", "eco", "gpt-6.1-terra", "openai/gpt-6.1-terra", "groq/openai/gpt-oss-20b"),
    *("team-7", "openai/not-yet-released", "gpt-4o-mini", "claude-*", "*", "nothing-like-it-*"),
)
BAD = (
    ("", "invalid_value", "visible ASCII"),
    ("gpt 4o", "invalid_value", "visible ASCII"),
    ("gpt-4o\n", "invalid_value", "visible ASCII"),
    ("modèle", "invalid_value", "visible ASCII"),
    ("x" * 201, "invalid_value", "visible ASCII"),
    ("*-*", "invalid_value", "one '*' at most"),
    ("gpt-4o-minu", "model_not_found", "did you mean gpt-4o-mini"),
    ("zzz", "model_not_found", "name it as provider/model"),
    ("nobody/gpt-4o", "model_not_found", "There is no model"),
)


def test_each_is_what_a_caller_may_send_and_what_could_allow_nothing_is_refused(
    migrated_database_url: str,
) -> None:
    database = CommandDatabase(migrated_database_url)

    async def scene() -> None:
        alias = NewAlias(name="team-7", target="eco")
        await ModelAliases(database).create(alias, Actor("test"))
        await check_allowed(database, GOOD)
        await check_allowed(database, None)
        for name, code, said in BAD:
            with pytest.raises(InvalidField, match=r".") as refused:
                await check_allowed(database, ("eco", name))
            assert (refused.value.code, refused.value.param) == (code, "allowed_models"), name
            assert said in str(refused.value), name

    asyncio.run(scene())
