"""What a key is sealed to: the host by https; of a local provider the scheme and the port, too."""

from __future__ import annotations

import pytest

from shared.upstream.provider_url import place_of
from shared.vault.keyring import KeyRing, generate_key
from shared.vault.owner import NotOpened, Owner, WhyNot
from shared.vault.sealing import Vault
from shared.vault.secret import SecretText

VAULT = Vault(KeyRing([generate_key()]))
KEY = SecretText("sk-test-1234567890abcdefghijklmnop")


def owner_at(url: str, is_local: bool) -> Owner:
    place = place_of(url, is_local=is_local)
    return Owner("alice", "groq", place.sealed_to, place.earlier)


def opens(sealed: str, url: str, is_local: bool) -> bool:
    try:
        return VAULT.open(owner_at(url, is_local), sealed) == KEY
    except NotOpened as error:
        return error.why is not WhyNot.HOST_CHANGED


PUBLIC = ("https://api.groq.com/openai/v1", False)
LOCAL = ("http://127.0.0.1:8001/v1", True)
LOCAL_TLS = ("https://llm.corp.example/v1", True)


@pytest.mark.parametrize(
    ("first", "then", "does_open"),
    [
        pytest.param(PUBLIC, ("https://API.groq.com/v2", False), True, id="another path"),
        pytest.param(PUBLIC, ("https://api.groq.com:8443/v1", False), True, id="another port"),
        pytest.param(PUBLIC, ("https://api.groq.com/v1", True), True, id="marked local"),
        pytest.param(PUBLIC, ("http://api.groq.com/v1", True), False, id="http, marked local"),
        pytest.param(PUBLIC, ("http://api.groq.com:443/v1", True), False, id="http at 443"),
        pytest.param(PUBLIC, ("https://groq.com/v1", False), False, id="another host"),
        pytest.param(LOCAL, ("http://127.0.0.1:8001/v2", True), True, id="local, the same"),
        pytest.param(LOCAL, ("http://127.0.0.1:8002/v1", True), False, id="local, another port"),
        pytest.param(LOCAL, ("https://127.0.0.1:8001/v1", True), False, id="local, https"),
        pytest.param(LOCAL, ("http://localhost:8001/v1", True), False, id="local, another name"),
        pytest.param(LOCAL_TLS, ("http://llm.corp.example:443/v1", True), False, id="to http"),
        pytest.param(LOCAL_TLS, ("https://llm.corp.example:444/v1", True), False, id="its port"),
        pytest.param(LOCAL_TLS, ("https://llm.corp.example/v1", False), True, id="not local now"),
    ],
)
def test_a_key_opens_at_the_place_it_was_sealed_to(
    first: tuple[str, bool], then: tuple[str, bool], does_open: bool
) -> None:
    sealed = VAULT.seal(owner_at(*first), KEY).text
    assert opens(sealed, *first)
    assert opens(sealed, *then) is does_open


@pytest.mark.parametrize(
    ("host", "then", "does_open"),
    [
        pytest.param("api.groq.com", PUBLIC, True, id="https"),
        pytest.param("api.groq.com", ("https://api.groq.com/v1", True), True, id="local https"),
        pytest.param("api.groq.com", ("http://api.groq.com/v1", True), False, id="http"),
        pytest.param("8.8.8.8", ("http://8.8.8.8/v1", True), False, id="a public address"),
        pytest.param("127.0.0.1", LOCAL, True, id="this machine"),
        pytest.param("10.0.0.7", ("http://10.0.0.7:11434/v1", True), True, id="a private address"),
        pytest.param("ollama", ("http://ollama:11434/v1", True), True, id="a name without a dot"),
        pytest.param("::1", ("http://[::1]:11434/v1", True), True, id="IPv6"),
    ],
)
def test_what_an_earlier_release_sealed_to_the_bare_host_opens_where_nobody_can_listen(
    host: str, then: tuple[str, bool], does_open: bool
) -> None:
    sealed = VAULT.seal(Owner("alice", "groq", host), KEY).text
    assert opens(sealed, *then) is does_open


def test_no_key_goes_out_by_plain_http_unless_the_provider_is_local() -> None:
    with pytest.raises(ValueError, match="plain http"):
        place_of("http://api.groq.com/v1", is_local=False)
