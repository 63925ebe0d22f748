"""To which hosts a platform key of the operator's environment may go: its own provider's.

The row's base URL can be changed by an admin; the key in the environment was given for the
provider itself (CVE-2026-41487). For any other host the operator names it in the environment too,
as OPENAI_BASE_URL and its kin.
"""

from __future__ import annotations

from shared.upstream.origin import parse_url
from shared.wire.providers import KNOWN

_HOSTS = {
    slug: one.other_hosts | {parse_url(one.seed.base_url)[0].host}
    for slug, one in KNOWN.items()
    if one.seed is not None
}


def is_its_own(slug: str, url: str) -> bool:
    """Whether `url` is at this provider's documented host, or below it (`eu.api.openai.com`)."""
    try:
        origin, _ = parse_url(url)
    except ValueError:
        return False
    hosts = _HOSTS.get(slug, frozenset())
    return origin.scheme == "https" and any(
        origin.host == host or origin.host.endswith("." + host) for host in hosts
    )
