"""The verbs of the audit trail are one family."""

from __future__ import annotations

import re

import pytest

from shared.db.audit import Action

# A key that did not open was not acted on.
APART = {Action.USER_KEY_NOT_OPENED}


@pytest.mark.parametrize("action", sorted({*Action} - APART))
def test_an_action_is_a_noun_and_a_verb_in_the_past(action: Action) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+ed", action)


@pytest.mark.parametrize("action", Action)
def test_an_action_is_named_as_it_is_written(action: Action) -> None:
    assert action.name == action.value.replace(".", "_").upper()
