"""Where a deployment is when the operator's LiteLLM proxy calls it for us."""

from __future__ import annotations

from functions.chat_completions.target import Target
from shared.routing.snapshot import Provider
from shared.upstream.litellm import SLUG, LiteLLMProxy
from shared.upstream.transport import Transport


def litellm_target(proxy: LiteLLMProxy, provider: Provider, transport: Transport) -> Target:
    """The proxy as the place of this provider's models."""
    transport.allow_private(proxy.origin)
    return Target(
        proxy.dialect,
        proxy.origin,
        proxy.target,
        proxy.headers,
        is_simulated=False,
        speaks_as=SLUG,
        model_prefix=f"{provider.litellm_prefix}/",
        via=SLUG,
    )
