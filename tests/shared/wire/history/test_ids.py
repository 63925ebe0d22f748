"""Laws of ids of calls in another provider's form."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.wire.history.ids import fit_id
from shared.wire.history.rules import IdRule

ANTHROPICS = IdRule("a-zA-Z0-9_-", is_unique=True)
OPENAIS = IdRule(most=40)
MISTRALS = IdRule("a-zA-Z0-9", least=9, most=9)
FORMS = {
    "anthropic": (ANTHROPICS, r"[a-zA-Z0-9_-]+"),
    "openai": (OPENAIS, r"(?s).{1,40}"),
    "mistral": (MISTRALS, r"[a-zA-Z0-9]{9}"),
}


@pytest.mark.parametrize("name", FORMS)
@example(ids=["00000000_"])
@given(ids=st.lists(st.text(min_size=1, max_size=60), unique=True, max_size=20))
def test_ids_have_the_form_that_is_taken_and_stay_apart(name: str, ids: list[str]) -> None:
    rule, form = FORMS[name]
    written = [fit_id(one, rule) for one in ids]
    assert len(set(written)) == len(ids)
    assert all(re.fullmatch(form, one) for one in written)


@pytest.mark.parametrize(
    ("call_id", "rule"),
    [
        ("toolu_01A09q90qw90lq917835lq9", ANTHROPICS),
        ("call_abc-1", ANTHROPICS),
        ("functions.f:0", OPENAIS),
        ("aB3xK9mP2", MISTRALS),
    ],
)
def test_an_id_that_fits_is_left_as_it_is(call_id: str, rule: IdRule) -> None:
    assert fit_id(call_id, rule) == call_id
