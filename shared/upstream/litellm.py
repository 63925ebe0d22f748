"""The operator's LiteLLM proxy: it calls providers for which the platform has no key of its own.

A model is asked of it as `<litellm_prefix>/<model>` (docs.litellm.ai/docs/providers), at its
OpenAI-compatible endpoint. It is trusted as what the operator's own environment names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pydantic import SecretStr

from shared.resources import Check, Checks, opener
from shared.settings import LiteLLMSettings, SettingsInvalid, TryOutSettings, UpstreamSettings
from shared.upstream.faults import TransportFault
from shared.upstream.origin import parse_url
from shared.upstream.request import UpstreamRequest
from shared.upstream.transport import Transport
from shared.wire.dialect import dialect_of
from shared.wire.provider import OPENAI, Auth
from shared.wire.providers.litellm import PROVIDER

SLUG = PROVIDER.slug
"""Under which the proxy's own manners are known."""

_LIVELINESS = "/health/liveliness"
_PATIENCE_S = 2.0


class LiteLLMProxy:
    """`target` is the path of its completions, `headers` are header lines with its key."""

    def __init__(self, root: str, key: SecretStr | None) -> None:
        """`root` may end in `/v1`. Raises ValueError where it, or the key, cannot be used."""
        self._root = root.rstrip("/").removesuffix("/v1")
        self.dialect = dialect_of(OPENAI, SLUG, Auth.BEARER)
        self.origin, target = parse_url(self._root + "/v1" + self.dialect.path)
        self.target = target.encode()
        self.headers = self.dialect.headers(None if key is None else key.get_secret_value())
        self.has_key = key is not None

    @classmethod
    def from_settings(
        cls, settings: LiteLLMSettings, try_out: TryOutSettings
    ) -> LiteLLMProxy | None:
        """None where no proxy is set, and where the providers are simulated.

        Raises SettingsInvalid where its URL cannot be called.
        """
        if settings.proxy_url is None or try_out.simulated_provider_url is not None:
            return None
        try:
            return cls(settings.proxy_url, settings.master_key)
        except ValueError as error:
            raise SettingsInvalid(
                f"LITELLM_PROXY_URL or LITELLM_MASTER_KEY is wrong: {error};"
                " for example LITELLM_PROXY_URL=http://litellm:4000"
            ) from error

    async def complaint(
        self, transport: Transport, *, timeout_s: float = _PATIENCE_S
    ) -> str | None:
        """None if the proxy is alive, else a sentence that says what to do; it names no host.

        Asks the endpoint that needs no key and calls no model (docs.litellm.ai/docs/proxy/health).
        """
        origin, target = parse_url(self._root + _LIVELINESS)
        outgoing = UpstreamRequest(
            b"GET", origin, target.encode(), b"", b"", may_be_private=True, goes_direct=True
        )
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            answer = await transport.send(outgoing, deadline=deadline)
            await answer.read()
        except TransportFault as fault:
            return (
                f"the LiteLLM proxy does not answer ({type(fault).__name__}):"
                " check that it runs and that LITELLM_PROXY_URL is right"
            )
        if answer.status != 200:
            return f"the LiteLLM proxy answers {answer.status} at {_LIVELINESS}: look at its log"
        return None


@opener
async def open_litellm(
    settings: LiteLLMSettings,
    try_out: TryOutSettings,
    checks: Checks,
    way_out: UpstreamSettings,
) -> AsyncGenerator[LiteLLMProxy | None]:
    """None where none is set. It is not critical: other providers go on without it."""
    proxy = LiteLLMProxy.from_settings(settings, try_out)
    if proxy is None:
        yield None
        return
    transport = Transport.from_settings(way_out)
    checks.append(Check("litellm_proxy", lambda: proxy.complaint(transport)))
    try:
        yield proxy
    finally:
        await transport.aclose()
