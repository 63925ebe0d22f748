"""Names that stand for other models: what an alias is, and what a name means by it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shared.routing.rendezvous import distance, number_of

STAR = "*"


class Target(msgspec.Struct, frozen=True):
    """`name` is a listed id, `provider/model` or a power level; a `*` in it is what the alias's
    matched. `weight` is its share among the targets of its alias.
    """

    name: str
    weight: int = 1


class Alias(msgspec.Struct, frozen=True):
    """`name` has one `*` at most, which stands for any text, also for none."""

    name: str
    targets: tuple[Target, ...]

    def matched(self, name: str) -> str | None:
        """What the `*` stands for in `name`; None where the alias is not meant by it."""
        before, star, after = self.name.partition(STAR)
        if not star:
            return "" if name == self.name else None
        is_meant = (
            len(name) >= len(before) + len(after)
            and name.startswith(before)
            and name.endswith(after)
        )
        return name[len(before) : len(name) - len(after)] if is_meant else None


class Meaning(msgspec.Struct, frozen=True):
    """`names` in the order to try; `alias` is the name of the alias that said so."""

    alias: str
    names: tuple[str, ...]


class Aliases:
    """Exact names come before patterns, and of patterns the one with most text before its `*`."""

    def __init__(self, aliases: Iterable[Alias] = ()) -> None:
        self._exact: dict[str, Alias] = {}
        patterns: list[Alias] = []
        for alias in aliases:
            if STAR in alias.name:
                patterns.append(alias)
            else:
                self._exact[alias.name] = alias
        self._patterns: dict[str, list[Alias]] = {}
        for alias in sorted(patterns, key=_longest_first):
            self._patterns.setdefault(alias.name.partition(STAR)[0], []).append(alias)
        # A name is looked up once a length that there is, however many patterns there are.
        self._lengths = sorted({len(before) for before in self._patterns}, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    @property
    def exact(self) -> Mapping[str, Alias]:
        return self._exact

    def meaning(self, name: str, session: str) -> Meaning | None:
        """What `name` stands for; None where no alias has it. A target is never looked up again.

        Several targets are tried in an order drawn by weight for `session`: the same one first
        for the same session, so that a conversation and its prompt cache stay where they are.
        """
        found, matched = self._exact.get(name), ""
        if found is None:
            pattern = self._pattern(name)
            if pattern is None:
                return None
            found, matched = pattern
        targets = found.targets
        if len(targets) > 1:
            seed = number_of(session)
            targets = sorted(
                targets, key=lambda one: distance(seed, number_of(one.name), one.weight)
            )
        return Meaning(found.name, tuple(one.name.replace(STAR, matched) for one in targets))

    def _pattern(self, name: str) -> tuple[Alias, str] | None:
        for length in self._lengths:
            for alias in self._patterns.get(name[:length], ()):
                if (matched := alias.matched(name)) is not None:
                    return alias, matched
        return None


def _longest_first(alias: Alias) -> tuple[int, str]:
    return (-len(alias.name), alias.name)
