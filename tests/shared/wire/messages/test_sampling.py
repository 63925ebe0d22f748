"""Laws of sending sampling parameters to Anthropic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.messages.versions import abilities_of
from shared.wire.messages.write import Translated, write_request
from shared.wire.translated import Sending

HELLO = [{"role": "user", "content": "hello"}]
MODEL = "claude-sonnet-4-6"


def translated(
    fields: dict[str, object], *, model: str = MODEL, temperature: float | None = None
) -> Translated:
    chat = decode_chat(json.dumps({"messages": HELLO, **fields}).encode())
    return write_request(chat, Sending(model, temperature=temperature))


def sent(fields: dict[str, object], **defaults: Any) -> dict[str, Any]:
    return json.loads(translated(fields, **defaults).body)


@pytest.mark.parametrize("value", ["0", "0.0", "0.7", "1"])
def test_a_temperature_arrives_as_it_was_written_and_zero_stays_zero(value: str) -> None:
    body = b'{"messages":[{"role":"user","content":"x"}],"temperature":%b}' % value.encode()
    request = write_request(decode_chat(body), Sending(MODEL, temperature=0.9))
    assert b'"temperature":%b' % value.encode() in request.body


@pytest.mark.parametrize(
    ("fields", "model", "temperature"),
    [
        pytest.param({}, MODEL, 0.3, id="where the client set none"),
        pytest.param({"top_p": 0.5}, MODEL, None, id="never beside a top_p of the client's"),
        pytest.param({"thinking": {"type": "adaptive"}}, MODEL, None, id="never beside thinking"),
        pytest.param({}, "claude-opus-4-7", None, id="never to a model that takes none"),
    ],
)
def test_a_default_temperature_goes_in_where_it_can(
    fields: dict[str, object], model: str, temperature: float | None
) -> None:
    assert sent(fields, model=model, temperature=0.3).get("temperature") == temperature


def test_a_default_temperature_ends_at_one() -> None:
    assert sent({}, temperature=1.7)["temperature"] == 1


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-3-haiku-20240307", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-haiku-4-5@20251001", True),
        ("claude-sonnet-4-6", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-opus-5-5-20260901", False),
        ("claude-fable-5-2", False),
        ("kimi-k2", True),
    ],
)
def test_models_from_4_7_on_take_no_sampling_parameters(model: str, takes: bool) -> None:
    assert abilities_of(model).samples is takes


@pytest.mark.parametrize(("name", "value"), [("temperature", 0), ("top_p", 0.9), ("top_k", 5)])
def test_a_model_that_takes_no_sampling_parameters_has_them_refused_by_name_or_dropped(
    name: str, value: float
) -> None:
    with pytest.raises(InvalidField) as caught:
        translated({name: value}, model="claude-opus-4-7")
    assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")
    spared = translated({name: value, "drop_params": True}, model="claude-opus-4-7")
    assert name not in json.loads(spared.body)
    assert spared.dropped == (name,)


def test_the_default_of_a_sampling_parameter_is_left_out_where_the_model_takes_none() -> None:
    asked = translated({"temperature": 1, "top_p": 1.0}, model="claude-opus-4-7")
    assert set(json.loads(asked.body)) == {"model", "max_tokens", "messages"}
    assert asked.dropped == ()
