"""Whether a key looks like one of its provider's: prefix and length alone, for a warning. Pure.

Formats change, so nothing is refused by them.
"""

from __future__ import annotations

import re

from shared.wire.providers import KNOWN, provider_of


def looks_like_key_of(slug: str, key: str) -> bool:
    """True for a provider whose format is not known, too."""
    pattern = provider_of(slug).key_pattern
    return pattern is None or re.fullmatch(pattern, key) is not None


def other_provider_of(slug: str, key: str) -> str | None:
    """The one other provider whose keys look like this; None where none or several do."""
    found = [
        other
        for other, one in KNOWN.items()
        if other != slug
        and one.key_pattern is not None
        and re.fullmatch(one.key_pattern, key) is not None
    ]
    return found[0] if len(found) == 1 else None
