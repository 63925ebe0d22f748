"""Whose word is taken for an address: that of proxies of ours, read from the right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.doors.proxies import client_of, networks_of

OURS = networks_of("10.0.0.0/8, 192.0.2.7, fd00::/8")
addresses = st.ip_addresses(v=4).map(str)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("10.0.0.1", [b"203.0.113.9"], "203.0.113.9", id="one proxy"),
        pytest.param("203.0.113.1", [b"1.2.3.4"], "203.0.113.1", id="a stranger says who it is"),
        pytest.param("10.0.0.1", [b"1.2.3.4, 203.0.113.9"], "203.0.113.9", id="a lie on the left"),
        pytest.param("10.0.0.1", [b"203.0.113.9, 10.0.0.2"], "203.0.113.9", id="two proxies"),
        pytest.param("10.0.0.1", [b"1.2.3.4", b"203.0.113.9"], "203.0.113.9", id="two headers"),
        pytest.param("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3", id="only proxies"),
        pytest.param("10.0.0.1", [b"203.0.113.9:55"], "203.0.113.9", id="with a port"),
        pytest.param("10.0.0.1", [b"[2001:db8::1]:55"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("::ffff:10.0.0.1", [b"203.0.113.9"], "203.0.113.9", id="mapped IPv4"),
        pytest.param("fd00::1", [b"2001:db8::1"], "2001:db8::1", id="IPv6"),
        pytest.param("192.0.2.7", [b"203.0.113.9"], "203.0.113.9", id="a network of one"),
        pytest.param("10.0.0.1", [b"unknown"], "10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", [b"1.2.3.4, unknown"], "10.0.0.1", id="what nobody vouches for"),
        pytest.param("10.0.0.1", [b""], "10.0.0.1", id="an empty header"),
        pytest.param("10.0.0.1", [b"10.0.0.2," * 9000], "10.0.0.1", id="a trailing comma"),
        pytest.param("10.0.0.1", [b"1.2.3.4" + b",10.0.0.2" * 9000], "10.0.0.2", id="a long way"),
        pytest.param("", [b"1.2.3.4"], "", id="a peer without an address"),
    ],
)
def test_the_client_is_the_last_that_a_proxy_of_ours_saw(
    peer: str, forwarded: list[bytes], client: str
) -> None:
    assert client_of(peer, forwarded, OURS) == client


@given(st.lists(st.binary(max_size=30), max_size=5), addresses)
def test_without_trust_nothing_is_read(forwarded: list[bytes], peer: str) -> None:
    assert client_of(peer, forwarded, ()) == peer


@given(st.lists(addresses, max_size=5), addresses, st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_what_a_client_wrote_itself_changes_nothing(
    lies: list[str], client: str, proxy: object
) -> None:
    if client.startswith("10.") or client == "192.0.2.7":
        return
    said = ", ".join([*lies, client]).encode()
    assert client_of(str(proxy), [said], OURS) == client


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.internal", "10.0.0.0/33", "*"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        networks_of(text)
