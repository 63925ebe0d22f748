"""A number within the bounds of a JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

_MOST = 2**31
_LARGEST = 2**63
"""What JSON readers keep as an integer; beyond it a number is sent as a float."""


def number(schema: Mapping[str, Any], nth: int, *, is_whole: bool) -> int | float:
    """1 where it fits, else the nearest bound; `nth` gives others for the items of a list."""
    low, is_above = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, is_below = _bound(schema, "maximum", "exclusiveMaximum", min)
    step = _fraction(schema.get("multipleOf"))
    if step is not None and step <= 0:
        step = None
    if is_whole and (step is None or step.denominator != 1):
        step = Fraction(1) if step is None else Fraction(step.numerator)
    if step is not None:
        least = None if low is None else _steps(low, step, is_above)
        most = None if high is None else -_steps(-high, step, is_below)
        found = step * _whole_between(least, most, ceil(1 / step), nth)
    else:
        found = _between(low, high, is_above=is_above, is_below=is_below) + (nth if not high else 0)
    return int(found) if is_whole and abs(found) < _LARGEST else float(found)


def count_of(schema: Mapping[str, Any], name: str, usual: int) -> int:
    """What a keyword says of a length; `usual` where it is missing or no count."""
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return usual
    return int(value) if 0 <= value < _MOST else usual


def _bound(
    schema: Mapping[str, Any], plain: str, exclusive: str, tighter: Any
) -> tuple[Fraction | None, bool]:
    """The tighter of a bound and its exclusive kin, which in older drafts is a flag beside it."""
    least, strict = _fraction(schema.get(plain)), schema.get(exclusive)
    if isinstance(strict, bool):
        return least, strict
    other = _fraction(strict)
    if other is None or least is None:
        return (least, False) if other is None else (other, True)
    return (other, True) if tighter(least, other) == other else (least, False)


def _fraction(value: object) -> Fraction | None:
    """As it is written: 0.1 is a tenth, not the float next to it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(repr(value))


def _steps(bound: Fraction, step: Fraction, is_strict: bool) -> int:
    """The least count of steps that is not under the bound, or is above it."""
    return floor(bound / step) + 1 if is_strict else ceil(bound / step)


def _whole_between(least: int | None, most: int | None, usual: int, nth: int) -> int:
    start = usual
    if least is not None and start < least:
        start = least
    if most is not None and start > most:
        start = most
    found = start + nth
    return found if most is None or found <= most else start - nth


def _between(
    low: Fraction | None, high: Fraction | None, *, is_above: bool, is_below: bool
) -> Fraction:
    one = Fraction(1)
    fits_low = low is None or (one > low if is_above else one >= low)
    fits_high = high is None or (one < high if is_below else one <= high)
    if fits_low and fits_high:
        return one
    if low is not None and high is not None:
        return (low + high) / 2
    if low is not None:
        return low + 1
    return one if high is None else high - 1
