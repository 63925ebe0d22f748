"""What `switchyard doctor` says of the LiteLLM proxy, if one is set."""

from __future__ import annotations

import asyncio

from shared.cli.doctor_checks import Finding, State
from shared.cli.failures import one_line
from shared.settings import LiteLLMSettings, SettingsInvalid, TryOutSettings, load_settings
from shared.upstream.litellm import LiteLLMProxy
from shared.upstream.transport import Transport

_NAME = "LiteLLM proxy"
_TIMEOUT_S = 5.0


def check_litellm() -> list[Finding]:
    """Well formed and alive; nothing where LITELLM_PROXY_URL is not set."""
    try:
        settings = load_settings(LiteLLMSettings)[LiteLLMSettings]
        proxy = LiteLLMProxy.from_settings(settings, TryOutSettings.model_construct())
    except SettingsInvalid as error:
        return [Finding(_NAME, State.WRONG, one_line(error), "correct it")]
    if proxy is None:
        return []
    complaint = asyncio.run(_complaint(proxy))
    if complaint is not None:
        return [Finding(_NAME, State.WRONG, complaint, "start it, or correct LITELLM_PROXY_URL")]
    if not proxy.has_key:
        detail = "alive; LITELLM_MASTER_KEY is not set"
        return [Finding(_NAME, State.NOTE, detail, "set it, unless the proxy asks for no key")]
    return [Finding(_NAME, State.OK, "alive, key set")]


async def _complaint(proxy: LiteLLMProxy) -> str | None:
    transport = Transport()
    try:
        return await proxy.complaint(transport, timeout_s=_TIMEOUT_S)
    finally:
        await transport.aclose()
