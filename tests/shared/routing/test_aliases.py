from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.routing.aliases import Alias, Aliases, Target


def aliases(**targets: str | list[tuple[str, int]]) -> Aliases:
    return Aliases(
        Alias(
            name,
            (Target(one),) if isinstance(one, str) else tuple(Target(*each) for each in one),
        )
        for name, one in targets.items()
    )


def named(held: Aliases, name: str, session: str = "s") -> tuple[str, ...] | None:
    meaning = held.meaning(name, session)
    return None if meaning is None else meaning.names


def test_an_exact_name_comes_before_a_pattern_and_the_longest_text_before_a_star_first() -> None:
    held = aliases(
        **{"*": "eco", "claude-*": "balanced", "claude-opus-*": "precision", "claude-opus-5": "a/b"}
    )
    assert named(held, "claude-opus-5") == ("a/b",)
    assert named(held, "claude-opus-4") == ("precision",)
    assert named(held, "claude-haiku") == ("balanced",)
    assert named(held, "gpt-4o") == ("eco",)


def test_in_a_target_a_star_is_what_the_patterns_star_matched() -> None:
    held = aliases(**{"claude-*": "anthropic/claude-*", "my/*-fast": "groq/*"})
    assert named(held, "claude-opus-5-5") == ("anthropic/claude-opus-5-5",)
    assert named(held, "my/llama-fast") == ("groq/llama",)
    assert named(held, "my/-fast") == ("groq/",)
    assert named(held, "my/fast") is None


def test_a_target_is_never_looked_up_as_an_alias() -> None:
    held = aliases(a="b", b="c")
    assert named(held, "a") == ("b",)


def test_what_no_alias_has_means_itself() -> None:
    assert named(aliases(a="b"), "c") is None
    assert not Aliases()


def test_weights_are_kept_over_sessions_and_a_session_keeps_its_order() -> None:
    held = aliases(chat=[("x/1", 9), ("y/2", 1)])
    firsts = Counter((named(held, "chat", str(n)) or ("",))[0] for n in range(5000))
    assert 0.88 < firsts["x/1"] / 5000 < 0.92
    assert len({named(held, "chat", "one") for _ in range(5)}) == 1
    assert all(len(named(held, "chat", str(n)) or ()) == 2 for n in range(20))


@given(before=st.text(max_size=5), middle=st.text(max_size=5), after=st.text(max_size=5))
def test_a_pattern_matches_whatever_its_star_was_written_for(
    before: str, middle: str, after: str
) -> None:
    before, after = before.replace("*", ""), after.replace("*", "")
    alias = Alias(f"{before}*{after}", (Target("t"),))
    assert alias.matched(before + middle + after) == middle
