"""What is known of a provider: a value that each file of shared/wire/providers makes one of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec

from shared.wire.limit_headers import OPENAI_STYLE, LimitHeaders
from shared.wire.quirks import COMPATIBLE, Quirks
from shared.wire.refusal_rows import Refused

DialectName = Literal["openai", "anthropic"]
OPENAI: Final = "openai"
ANTHROPIC: Final = "anthropic"


class CostReport(StrEnum):
    """What the cost is that a provider reports with an answer.

    INVOICE: what it charges, whatever its list says. CALCULATION: token counts at prices it
    believes in.
    """

    INVOICE = "invoice"
    CALCULATION = "calculation"


class Auth(StrEnum):
    """The header that carries the key."""

    BEARER = "bearer"
    X_API_KEY = "x-api-key"


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider's row in a fresh installation.

    `id` is given once and is never another's. `base_url` has the version segment.
    `litellm_prefix`: what a LiteLLM proxy calls the provider. `api_key_format`: how its keys begin,
    as people are shown it.
    """

    id: int
    name: str
    base_url: str
    litellm_prefix: str
    api_key_format: str
    documentation_url: str
    pricing_url: str
    status_page_url: str
    supports_vision: bool = True
    dialect: DialectName = OPENAI
    auth_type: Auth = Auth.BEARER


ANY_IMAGE: Final = (("", 6_404),)
"""The largest that a provider documents: four tiles (docs.together.ai/docs/vision-overview)."""


class Billed(NamedTuple):
    """USD of one UTC day; a day may have any number of lines."""

    day: date
    usd: Decimal


class BillPage(NamedTuple):
    """`next_page`: what the next page is asked for with; None where this is the last."""

    lines: list[Billed]
    next_page: str | None = None


class BillApi(msgspec.Struct, frozen=True):
    """How a provider is asked what it will charge.

    `path`: of the first UTC day, the day behind the last one, and a page. `headers`: of the key,
    which is not one that models are asked with. `read` raises msgspec.DecodeError. `key_name` is
    what the provider calls such a key.
    """

    key_name: str
    path: Callable[[date, date, str | None], str]
    headers: Callable[[str], Mapping[str, str]]
    read: Callable[[bytes], BillPage]


def bearer(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One provider.

    `seed`: None for one that is not in a fresh installation. `other_hosts`: hosts beside the
    seed's that the platform's key of the environment may go to. `key_pattern` is loose, for a
    warning only: formats change. `check_path` answers free of charge, with 200 to a good key.
    `cost_header` of a JSON answer tells what it cost, in USD; `cost_report` is what such a cost is,
    None: nobody says. `refusals` come before the meanings
    that hold everywhere. `image_tokens` are the most that an image is, by how a model's id begins;
    the last holds for all others. `takes_audio`, `takes_files`: whether messages may have such
    parts; None is not known. `embeds`: whether it answers embeddings.
    `priced_beside_tokens`: model ids that this is found in cost more than their tokens.
    `model_id_prefix` is what genai-prices leaves out of a model's id, and `sold_here` is found in
    the ids that are sold at this endpoint: genai-prices lists others too, and a name that nobody
    knows goes to a provider only where it looks like one of its ids.
    `level_defaults`: by power level, the model that serves it where no listed one can; chosen by
    price, under the level's ceiling, so genai-prices has to know it.
    `ends_calls_by_stop`: its finish_reason for tool calls is `stop`. `speaks_responses`: OpenAI's
    Responses API beside its dialect, and keeps what it answered there.
    `bill`: its cost API, where it has one.
    `otel_name`: what OpenTelemetry calls it (gen_ai.provider.name), where that is not its slug.
    """

    slug: str
    seed: Seed | None = None
    other_hosts: frozenset[str] = frozenset()
    key_pattern: str | None = None
    check_path: str = "/models"
    cost_header: bytes | None = None
    cost_report: CostReport | None = None
    quirks: Quirks = COMPATIBLE
    refusals: tuple[Refused, ...] = ()
    limit_headers: tuple[LimitHeaders, ...] = OPENAI_STYLE
    image_tokens: tuple[tuple[str, int], ...] = ANY_IMAGE
    takes_audio: bool | None = None
    takes_files: bool | None = None
    embeds: bool = True
    priced_beside_tokens: re.Pattern[str] | None = None
    model_id_prefix: str = ""
    sold_here: re.Pattern[str] | None = None
    ends_calls_by_stop: bool = False
    speaks_responses: bool = False
    level_defaults: Mapping[str, str] = MappingProxyType({})
    bill: BillApi | None = None
    otel_name: str | None = None

    def sells(self, model_id: str) -> bool:
        """Whether an id looks like one of this provider's."""
        return self.sold_here is None or self.sold_here.search(model_id) is not None

    def most_image_tokens(self, model_id: str) -> int:
        return next(most for start, most in self.image_tokens if model_id.startswith(start))


def auth_of(dialect: DialectName) -> Auth:
    """Where a provider of this dialect wants its key, unless its row says otherwise."""
    return Auth.X_API_KEY if dialect == ANTHROPIC else Auth.BEARER
