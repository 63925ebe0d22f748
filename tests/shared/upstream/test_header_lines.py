"""A header line holds one header, whatever its value was made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.upstream.header_lines import header_lines


def test_headers_become_lines() -> None:
    headers = [(b"authorization", b"Bearer t"), (b"X-Empty", b""), (b"x-latin", b"caf\xe9\t")]
    assert header_lines(headers) == (
        b"authorization: Bearer t\r\nX-Empty: \r\nx-latin: caf\xe9\t\r\n"
    )


@pytest.mark.parametrize(
    "value", [b"t\r\nx-evil: 1", b"t\n", b"t\r", b"\0", b"\x7f", b"t\r\n\r\nGET / HTTP/1.1"]
)
def test_a_value_that_would_end_its_line_is_refused_and_not_repeated(value: bytes) -> None:
    with pytest.raises(ValueError, match="authorization") as raised:
        header_lines([(b"authorization", b"canary" + value)])
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("name", [b"", b"x a", b"x:", b"x\r\ny", b"caf\xe9", b"x\n"])
def test_a_name_that_is_no_token_is_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="name"):
        header_lines([(name, b"1")])


@given(st.binary(max_size=40))
def test_any_value_is_refused_or_stands_in_one_line(value: bytes) -> None:
    try:
        lines = header_lines([(b"x-a", value)])
    except ValueError:
        return
    assert lines.count(b"\r") == lines.count(b"\n") == 1
