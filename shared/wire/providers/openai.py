"""OpenAI: the wire that the others are measured by."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

import msgspec

from shared.wire.history.rules import OPENAIS_FIELDS, IdRule, MessageRules
from shared.wire.provider import BillApi, Billed, BillPage, Provider, Seed, bearer
from shared.wire.quirks import CLAUDES_OWN, Quirks, Version

# developers.openai.com/api/docs/guides/deployment-checklist: "When reasoning effort is not none,
# remove temperature, top_p, and top_logprobs".
_SAMPLED = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
_FROM_NONE = ("none", "low", "medium", "high", "xhigh", "max")


class _Amount(msgspec.Struct, frozen=True):
    value: Decimal


class _Result(msgspec.Struct, frozen=True):
    amount: _Amount


class _Bucket(msgspec.Struct, frozen=True):
    start_time: int
    results: list[_Result]


class _Costs(msgspec.Struct, frozen=True):
    data: list[_Bucket]
    next_page: str | None = None


# platform.openai.com/docs/api-reference/usage/costs: daily buckets, amounts in USD.
def _costs_path(start: date, end: date, page: str | None) -> str:
    moments = [calendar.timegm(day.timetuple()) for day in (start, end)]
    asked = {"start_time": moments[0], "end_time": moments[1], "bucket_width": "1d", "limit": 180}
    return "/v1/organization/costs?" + urlencode(asked | ({"page": page} if page else {}))


def _read_costs(body: bytes) -> BillPage:
    costs = msgspec.json.decode(body, type=_Costs)
    lines = [
        Billed(datetime.fromtimestamp(bucket.start_time, UTC).date(), result.amount.value)
        for bucket in costs.data
        for result in bucket.results
    ]
    return BillPage(lines, costs.next_page)


PROVIDER: Final = Provider(
    slug="openai",
    bill=BillApi("admin key", _costs_path, bearer, _read_costs),
    seed=Seed(
        id=1,
        name="OpenAI",
        base_url="https://api.openai.com/v1",
        litellm_prefix="openai",
        api_key_format="sk-",
        documentation_url="https://platform.openai.com/docs",
        pricing_url="https://openai.com/api/pricing",
        status_page_url="https://status.openai.com",
    ),
    level_defaults={
        "eco": "gpt-6-luna",
        "balanced": "gpt-6.1-terra",
        "precision": "gpt-6.1-sol",
    },
    key_pattern=r"sk-(?!ant-|or-)[\w-]{20,}",
    # platform.openai.com/docs/guides/images-vision: gpt-4o-mini counts 2,833 and 5,667 for each of
    # eight tiles; else at most 1,536 patches at 2.46.
    image_tokens=(("gpt-4o-mini", 48_169), ("", 3_779)),
    # platform.openai.com/docs/pricing: searches are charged a call, whatever is asked.
    priced_beside_tokens=re.compile("search|deep-research"),
    quirks=Quirks(
        # "max_tokens is deprecated in favor of max_completion_tokens, and is not compatible with
        # o-series models" (openai-python, types/chat/completion_create_params.py).
        # "Unrecognized request argument supplied: thinking" (nashsu/llm_wiki issue 336).
        dropped=CLAUDES_OWN,
        renamed=MappingProxyType({"max_tokens": "max_completion_tokens"}),
        messages=MessageRules(
            # Others are refused: "Additional properties are not allowed" (openai/openai-node issue
            # 1161), an id above 40 characters too (camel-ai/camel issue 2215).
            assistant=OPENAIS_FIELDS,
            call_ids=IdRule(most=40),
            # "'messages[0].name': string does not match pattern" (^[^\\s<|\\\\/>]+$).
            odd_in_names=r"[\s<|\\/>]+",
            knows_developer=True,
            reads_arguments=False,
        ),
        # guides/reasoning; openai-python, types/shared/reasoning_effort.py.
        versions=(
            # The same checklist: function calling "only with reasoning_effort: none".
            Version(
                pattern=r"^(gpt-5\.6|gpt-6-(luna|sol))",
                efforts=_FROM_NONE,
                unsampled=_SAMPLED,
                effort_with_tools="none",
            ),
            # Their model pages: none and minimal are not supported.
            Version(
                pattern=r"^(gpt-6\.1-sol|gpt-6-astra)", efforts=_FROM_NONE[1:], unsampled=_SAMPLED
            ),
            Version(pattern=r"^gpt-6", unsampled=_SAMPLED),
            # "Unrecognized request argument supplied: reasoning_effort" (coroot/coroot issue 698).
            Version(
                pattern=r"^(gpt-3|gpt-4|chatgpt)|-chat",
                efforts=(),
                dropped=frozenset({"verbosity"}),
            ),
            Version(pattern=r"^gpt-5\.5", efforts=_FROM_NONE[:5], unsampled=_SAMPLED),
            Version(
                pattern=r"^gpt-5\.[2-4]",
                efforts=_FROM_NONE[:5],
                unsampled=_SAMPLED,
                samples_unasked=True,
            ),
            Version(
                pattern=r"^gpt-5\.1",
                efforts=_FROM_NONE[:4],
                unsampled=_SAMPLED,
                samples_unasked=True,
            ),
            Version(pattern=r"^gpt-5", efforts=("minimal", *_FROM_NONE[1:4]), unsampled=_SAMPLED),
            Version(
                pattern=r"^o\d",
                efforts=_FROM_NONE[1:4],
                unsampled=_SAMPLED,
                dropped=frozenset({"verbosity"}),
            ),
        ),
    ),
    speaks_responses=True,
    sold_here=re.compile(r"^(?!claude|gem(ini|ma)-)[^/]+$"),
)
