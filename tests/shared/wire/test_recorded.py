"""Every recorded case of every OpenAI-compatible provider, read as the gateway reads it.

A case is one file in tests/recorded/<provider>: `source`, then `status` and `body` or `events`
(a stream), then what is `expected` of it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from shared.errors import UpstreamError
from shared.wire.chat.answer import read_completion, splice
from shared.wire.chat.events import StreamReader
from shared.wire.error_body import encode_error
from shared.wire.provider import OPENAI
from shared.wire.providers import KNOWN
from shared.wire.refusal import read_refusal
from shared.wire.refusal_text import clean_text
from shared.wire.usage import Counts, Usage, settle

FOLDER = Path(__file__).parents[2] / "recorded"
PROVIDERS = (
    *(slug for slug, one in KNOWN.items() if one.seed is None or one.seed.dialect == OPENAI),
    "compatible",
)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
METADATA = b'{"provider_used":"p"}'
KEY = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34"


def cases() -> dict[str, dict[str, Any]]:
    return {
        f"{provider}/{path.stem}": {"provider": provider, **json.loads(path.read_text())}
        for provider in PROVIDERS
        for path in sorted((FOLDER / provider).glob("*.json"))
    }


CASES = cases()
STREAMS = [name for name, case in CASES.items() if "events" in case]
REFUSALS = [name for name, case in CASES.items() if "error" in case["expected"]]
COMPLETIONS = [name for name in CASES if name not in STREAMS and name not in REFUSALS]


def stream_bytes(name: str) -> bytes:
    return b"".join(event.encode() + b"\n\n" for event in CASES[name]["events"])


def relay(data: bytes, cuts: list[int], *, show_usage: bool) -> tuple[bytes, StreamReader]:
    reader = StreamReader(show_usage=show_usage)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(reader.feed(data[start:end]) for start, end in itertools.pairwise(places))
    return (out if reader.has_error else out + reader.end(METADATA)), reader


def expected_usage(name: str) -> Usage | None:
    usage = CASES[name]["expected"]["usage"]
    return None if usage is None else Usage(**usage)


def settled(counts: Counts | None) -> Usage | None:
    return None if counts is None else settle(counts, lambda: 0, lambda: 0)


def chunks_of(out: bytes) -> Iterator[ChatCompletionChunk]:
    for event in out.split(b"\n\n"):
        if event.startswith(b"data: {"):
            yield ChatCompletionChunk.model_validate_json(event.removeprefix(b"data: "))


def refusal_of(name: str, body: bytes | None = None) -> UpstreamError:
    case = CASES[name]
    retry_after = case.get("retry_after")
    return read_refusal(
        case["provider"],
        case["status"],
        json.dumps(case["body"]).encode() if body is None else body,
        retry_after.encode() if retry_after else None,
        NOW,
    )


def test_every_provider_has_a_recorded_case_with_its_source() -> None:
    assert {case["provider"] for case in CASES.values()} == set(PROVIDERS)
    assert all(case["source"] for case in CASES.values())


@pytest.mark.parametrize("name", COMPLETIONS)
def test_a_recorded_answer_is_read_and_stays_openais_shape(name: str) -> None:
    body = json.dumps(CASES[name]["body"]).encode()
    completion = read_completion(body)
    assert settled(completion.counts) == expected_usage(name)
    out = splice(completion.body, METADATA)
    ChatCompletion.model_validate_json(out)
    assert json.loads(out) == {**CASES[name]["body"], "_metadata": json.loads(METADATA)}


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_is_read_and_stays_openais_shape(name: str) -> None:
    expected = CASES[name]["expected"]
    out, reader = relay(stream_bytes(name), [], show_usage=True)
    chunks = list(chunks_of(out))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == expected["text"]
    assert settled(reader.counts) == expected_usage(name)
    assert reader.has_error == expected.get("has_error", False)
    assert (b'"_metadata"' in out) == (not reader.has_error)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", STREAMS)
@given(cuts=st.lists(st.integers(min_value=0), max_size=12), show_usage=st.booleans())
def test_any_split_of_any_recorded_stream_gives_the_same_output(
    name: str, line_end: bytes, cuts: list[int], show_usage: bool
) -> None:
    data = stream_bytes(name)
    whole, _ = relay(data, [], show_usage=show_usage)
    split, reader = relay(data.replace(b"\n", line_end), cuts, show_usage=show_usage)
    assert split == whole
    assert settled(reader.counts) == expected_usage(name)


@pytest.mark.parametrize("name", [name for name in STREAMS if "error" not in name])
def test_a_bom_a_bad_line_and_a_missing_end_spoil_no_recorded_stream(name: str) -> None:
    whole, _ = relay(stream_bytes(name), [], show_usage=True)
    first, rest = stream_bytes(name).split(b"\n\n", 1)
    rough = b"\xef\xbb\xbf" + first + b"\n\ndata: {bad\n\nnoise: 1\n\n" + rest
    out, reader = relay(rough.replace(b"data: [DONE]\n\n", b""), [], show_usage=True)
    assert list(chunks_of(out)) == list(chunks_of(whole))
    assert settled(reader.counts) == expected_usage(name)


def test_comments_are_relayed_and_are_no_chunks() -> None:
    out, _ = relay(stream_bytes("openrouter/stream"), [], show_usage=False)
    assert out.startswith(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {")


def test_a_line_of_ten_megabytes_is_relayed_whole() -> None:
    text = "x" * 10_000_000
    chunk = json.loads(CASES["openai/stream"]["events"][1].removeprefix("data: "))
    chunk["choices"][0]["delta"]["content"] = text
    data = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode()
    out, reader = relay(data, list(range(0, len(data), 65_536)), show_usage=False)
    relayed, _ = chunks_of(out)
    assert relayed.choices[0].delta.content == text
    assert reader.is_done


@pytest.mark.parametrize("name", REFUSALS)
def test_a_recorded_refusal_is_read_by_status_and_code(name: str) -> None:
    expected = CASES[name]["expected"]
    error = refusal_of(name)
    assert type(error).__name__ == expected["error"]
    assert error.retry_after_s == expected.get("retry_after_s")
    assert error.param == expected.get("param")
    if CASES[name]["status"] == 200:
        with pytest.raises(ValueError, match="an error in an answer"):
            read_completion(json.dumps(CASES[name]["body"]).encode())


def with_key_at(value: Any, place: Iterator[bool]) -> Any:
    """`value` with KEY in every text for which `place` says so."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: with_key_at(part, place) for name, part in fields.items()}
    if isinstance(value, list):
        return [with_key_at(part, place) for part in cast("list[Any]", value)]
    return KEY if (isinstance(value, str) or value is None) and next(place) else value


@pytest.mark.parametrize("name", REFUSALS)
@given(chosen=st.lists(st.booleans(), min_size=20, max_size=20))
def test_a_key_anywhere_in_a_providers_error_never_comes_out(name: str, chosen: list[bool]) -> None:
    body = json.dumps(with_key_at(CASES[name]["body"], itertools.cycle([True, *chosen])))
    error = refusal_of(name, body.encode())
    shown = encode_error(error).decode() + repr(error) + str(vars(error))
    assert KEY not in shown
    assert KEY[8:] not in shown


def wording(name: str) -> str:
    """The provider's message in a refusal's body."""
    body: Any = CASES[name]["body"]
    refusal = cast("dict[str, Any]", body[0] if isinstance(body, list) else body)
    error = refusal.get("error", refusal)
    return error if isinstance(error, str) else error["message"]


@pytest.mark.parametrize("name", REFUSALS)
def test_the_providers_wording_is_passed_on_and_decides_nothing(name: str) -> None:
    error = refusal_of(name)
    said = clean_text(wording(name)).removesuffix(".")
    assert said in error.message
    assert error.detail is not None
    assert said in error.detail
    body = json.dumps(CASES[name]["body"])
    other = body.replace(json.dumps(wording(name)), '"insufficient_quota"')
    assert other != body
    assert type(refusal_of(name, other.encode())) is type(error)
