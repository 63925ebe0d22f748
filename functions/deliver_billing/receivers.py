"""Who is told of usage: Lago, or any server that takes signed webhooks.

The one HTTP client of the process that is not `shared.upstream`: it goes to the two addresses that
the operator's own environment names, follows no redirect and takes no proxy from the environment.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import NamedTuple, Protocol

import httpx
import msgspec
from pydantic import SecretStr

from shared.ledger.billing_event import BillingEvent, lago_body, webhook_body
from shared.settings import BillingSettings, SettingsInvalid

_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024
_SECRET_PREFIX = "whsec_"  # noqa: S105  a prefix, not a secret


class NotTaken(Exception):
    """The receiver did not take the event; the message is its status or a class of error."""


class Receiver(Protocol):
    async def tell(self, event: BillingEvent) -> str | None:
        """The receiver's own id of the event, if it has one. Raises NotTaken."""
        ...


class Webhook:
    """POSTs the event, signed as standardwebhooks.com says."""

    def __init__(self, client: httpx.AsyncClient, url: str, secret: SecretStr) -> None:
        """Raises SettingsInvalid for a secret that is no base64 behind `whsec_`."""
        self._client = client
        self._url = url
        self._key = _signing_key(secret)

    async def tell(self, event: BillingEvent) -> str | None:
        body = webhook_body(event)
        at = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": at,
            "webhook-signature": sign(self._key, event.id, at, body),
        }
        answer = await _post(self._client, self._url, headers, body)
        if not 200 <= answer.status < 300:
            raise NotTaken(f"status {answer.status}")
        return None


class Lago:
    """POST /api/v1/events, one event with its transaction_id."""

    def __init__(self, client: httpx.AsyncClient, url: str, key: SecretStr) -> None:
        self._client = client
        self._url = f"{url.rstrip('/')}/api/v1/events"
        self._key = key

    async def tell(self, event: BillingEvent) -> str | None:
        if event.budget is not None:
            return None  # it bills usage, and has alerts of its own
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self._key.get_secret_value()}",
        }
        answer = await _post(self._client, self._url, headers, lago_body(event))
        if 200 <= answer.status < 300:
            return _lago_id(answer.body) or event.id
        if answer.status == 422 and b"value_already_exist" in answer.body:
            return event.id  # an earlier attempt got there, and its answer was lost
        raise NotTaken(f"status {answer.status}")


def sign(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def open_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False)


def receivers(client: httpx.AsyncClient, settings: BillingSettings) -> list[Receiver]:
    """Those that the settings name. Raises SettingsInvalid."""
    found: list[Receiver] = []
    if settings.lago_api_url and settings.lago_api_key:
        found.append(Lago(client, settings.lago_api_url, settings.lago_api_key))
    if settings.usage_webhook_url and settings.usage_webhook_secret:
        found.append(Webhook(client, settings.usage_webhook_url, settings.usage_webhook_secret))
    return found


class _Answered(NamedTuple):
    status: int
    body: bytes


async def _post(
    client: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes
) -> _Answered:
    try:
        async with client.stream("POST", url, headers=headers, content=body) as answer:
            content = b""
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > _MAX_ANSWER_BYTES:
                    break
            return _Answered(answer.status_code, content)
    except httpx.HTTPError as error:
        raise NotTaken(type(error).__name__) from error


class _LagoEvent(msgspec.Struct, frozen=True):
    lago_id: str | None = None


class _LagoAnswer(msgspec.Struct, frozen=True):
    event: _LagoEvent | None = None


def _lago_id(body: bytes) -> str | None:
    try:
        answer = msgspec.json.decode(body, type=_LagoAnswer)
    except msgspec.DecodeError:
        return None
    return answer.event.lago_id if answer.event else None


def _signing_key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(_SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        pass  # said below, and without the secret in the traceback
    raise SettingsInvalid(
        "USAGE_WEBHOOK_SECRET is wrong: behind whsec_ must be base64, for example"
        " USAGE_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )
