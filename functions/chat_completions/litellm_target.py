"""Where a deployment is when the operator's LiteLLM proxy calls it for us."""

from __future__ import annotations

from functions.chat_completions.target import Target
from shared.routing.snapshot import Provider
from shared.upstream.litellm import SLUG, LiteLLMProxy


def litellm_target(proxy: LiteLLMProxy, provider: Provider) -> Target:
    """The proxy as the place of this provider's models."""
    return Target(
        proxy.dialect,
        proxy.origin,
        proxy.target,
        proxy.headers,
        is_simulated=False,
        may_be_private=True,
        speaks_as=SLUG,
        model_prefix=f"{provider.litellm_prefix}/",
        via=SLUG,
    )
