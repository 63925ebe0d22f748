"""Laws of usage, metadata, refusals and error bodies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    AllCandidatesFailed,
    ContentFiltered,
    ContextTooLong,
    InvalidToken,
    NotReady,
    ProviderDeniedModel,
    ProviderQuotaExhausted,
    ProviderRateLimited,
    ProviderRefusedRequest,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    UnknownUpstreamModel,
    UpstreamError,
)
from shared.wire.chat.answer import read_completion, splice, text_tokens
from shared.wire.chat.usage import normalize, read_usage
from shared.wire.error_body import encode_error, error_headers
from shared.wire.metadata import usd
from shared.wire.refusal import read_refusal, read_retry_after
from shared.wire.tokens.text import count_text
from shared.wire.usage import Counts

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, None, ProviderRejectedKey),
        (403, None, ProviderDeniedModel),
        (402, None, ProviderQuotaExhausted),
        (429, "rate_limit_exceeded", ProviderRateLimited),
        (429, "insufficient_quota", ProviderQuotaExhausted),
        (429, None, ProviderRateLimited),
        (408, None, ProviderTimeout),
        (504, None, ProviderTimeout),
        (500, None, ProviderUnavailable),
        (503, "server_error", ProviderUnavailable),
        (529, None, ProviderUnavailable),
        (404, "model_not_found", UnknownUpstreamModel),
        (400, "context_length_exceeded", ContextTooLong),
        (400, "content_filter", ContentFiltered),
        (400, None, ProviderRefusedRequest),
        (422, None, ProviderRefusedRequest),
        (400, 400, ProviderRefusedRequest),
    ],
)
def test_a_refusal_is_read_by_status_and_code(
    status: int, code: object, kind: type[UpstreamError]
) -> None:
    body = json.dumps({"error": {"code": code, "message": "key sk-secret is bad"}}).encode()
    error = read_refusal("openai", status, body, None, NOW)
    assert type(error) is kind
    assert error.upstream_status == status
    assert "sk-secret" not in error.message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":"text"}', b"[" * 100_000])
def test_a_refusal_with_any_body_is_still_read(body: bytes) -> None:
    assert type(read_refusal("openai", 500, body, None, NOW)) is ProviderUnavailable


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (b"3", 3.0),
        (b"0.5", None),
        (b"-1", None),
        (b"inf", None),
        (b"nan", None),
        (b"1e400", None),
        (b"Infinity", None),
        ("٣".encode(), None),
        (b"999999999999", 86_400.0),
        (b"9" * 5000, 86_400.0),
        (b"Fri, 24 Nov 9999 12:00:00 GMT", 86_400.0),
        (b"Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        (b"Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        (b"soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: bytes | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("reported", "counts"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, Counts(3, 4)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Counts(10, 9, 4, None, 5),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Counts(0, 0)),
        ({"prompt_tokens": None, "completion_tokens": 4}, Counts(None, 4)),
        ({"prompt_tokens": -1, "completion_tokens": 4}, Counts(None, 4, is_doubtful=True)),
        ({"prompt_tokens": 2**40, "completion_tokens": 4}, Counts(None, 4, is_doubtful=True)),
        ({"prompt_tokens": "3", "completion_tokens": 4}, Counts(3, 4)),
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Counts(3, 4, is_doubtful=True),
        ),
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Counts(3, 4, is_doubtful=True),
        ),
        (None, None),
    ],
)
def test_a_number_that_cannot_be_true_is_left_out_and_no_other(
    reported: object, counts: Counts | None
) -> None:
    assert normalize(read_usage(msgspec.Raw(json.dumps(reported).encode()))) == counts


def test_metadata_is_spliced_before_the_last_brace_and_nothing_else_moves() -> None:
    body = b'{ "a" : 1.10 ,\n "b":{} }\n'
    assert splice(body, b"{}") == b'{ "a" : 1.10 ,\n "b":{},"_metadata":{}}'
    assert json.loads(splice(b"{}", b"1")) == {"_metadata": 1}


@pytest.mark.parametrize("body", [b"", b"text", b"[1]", b'{"error":{"code":429}}', b"[" * 5000])
def test_an_answer_that_is_no_completion_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a JSON object|an error in an answer"):
        read_completion(body)


def test_a_usage_of_the_wrong_shape_spoils_no_answer() -> None:
    completion = read_completion(
        b'{"model":"m","usage":[1],"choices":[{"message":{"content":"x"}}]}'
    )
    assert completion.counts is None
    assert completion.model == "m"


def test_text_is_counted_where_no_usage_is_reported() -> None:
    text = "Combien de jetons sont dans cette phrase, \u00e0 peu pr\u00e8s ?"
    body = json.dumps({"choices": [{"message": {"content": text}}]}, ensure_ascii=False)
    assert text_tokens(body.encode()) == count_text(text)


@given(st.integers(min_value=0, max_value=10**24))
def test_usd_is_exact(pico_usd: int) -> None:
    text = usd(pico_usd)
    assert Decimal(text) == Decimal(pico_usd).scaleb(-12)
    assert json.loads(text) is not None


def test_unknown_cost_is_null_never_zero() -> None:
    assert usd(None) == "null"
    assert usd(0) == "0"


def test_an_error_has_openais_shape() -> None:
    body = json.loads(encode_error(InvalidToken("no", param="x")))
    assert body == {
        "error": {
            "message": "no",
            "type": "authentication_error",
            "param": "x",
            "code": "invalid_api_key",
        }
    }
    attempts = ({"provider": "p", "error": "provider_unavailable"},)
    failed = json.loads(encode_error(AllCandidatesFailed("all", attempts)))
    assert failed["error"]["attempts"] == list(attempts)


def test_retry_after_is_rounded_up_and_a_refusal_tells_clients_not_to_retry() -> None:
    assert ("retry-after", "1") in error_headers(NotReady("x", retry_after_s=0.2))
    assert ("x-should-retry", "false") in error_headers(InvalidToken("x"))
    assert ("x-should-retry", "false") not in error_headers(NotReady("x"))
