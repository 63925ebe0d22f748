"""The way to providers through the operator's proxy, and with the operator's certificates."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.settings import SettingsInvalid, UpstreamSettings, load_settings
from shared.upstream.faults import AddressRefused, ConnectFailed
from shared.upstream.origin import Origin
from shared.upstream.proxy import parse_proxy
from shared.upstream.request import UpstreamRequest
from shared.upstream.transport import Transport
from tests.fakes.connect_proxy import ConnectProxy
from tests.fakes.raw_server import RawServer, answers_always
from tests.shared.upstream.calls import OK, Run, request, within

HEADERS = b"authorization: Bearer sk-canary\r\n"


def settings(**values: object) -> UpstreamSettings:
    return load_settings(UpstreamSettings, **values)[UpstreamSettings]


async def ask(transport: Transport, outgoing: UpstreamRequest, times: int = 1) -> bytes:
    try:
        for _ in range(times):
            body = await (await transport.send(outgoing, deadline=within())).read()
    finally:
        await transport.aclose()
    return body


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.mark.parametrize("is_tls_proxy", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_a_tunnel_carries_http_and_https_and_is_used_again(
    run: Run[bytes], is_tls: bool, is_tls_proxy: bool, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    proxy = ConnectProxy(password="user:p@ss", tls=server_tls if is_tls_proxy else None)
    with (
        proxy.running(),
        RawServer(answers_always(OK), tls=server_tls if is_tls else None) as server,
    ):

        async def main() -> bytes:
            way = settings(
                UPSTREAM_PROXY_URL=proxy.url("user:p%40ss@"), UPSTREAM_CA_FILE=str(ca_file)
            )
            return await ask(
                Transport.from_settings(way), request(server.url, headers=HEADERS), times=3
            )

        assert run(main()) == b"ok"
    assert proxy.asked == [f"127.0.0.1:{server.port}"]
    assert b"sk-canary" not in proxy.heads[0]
    assert server.accepted == 1
    assert b"sk-canary" in server.requests[0]
    assert b"proxy-authorization" not in server.requests[0]


def test_a_server_of_the_operators_own_is_called_directly(run: Run[bytes]) -> None:
    proxy = ConnectProxy(refuses=b"HTTP/1.1 500 No\r\n\r\n")
    with proxy.running(), RawServer(answers_always(OK)) as server:

        async def main() -> bytes:
            outgoing = request(server.url)
            own = UpstreamRequest(
                *(outgoing.method, outgoing.origin, outgoing.target, b"", b"{}"), True, True
            )
            return await ask(Transport(proxy=parse_proxy(proxy.url())), own)

        assert run(main()) == b"ok"
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nx: sk-canary\r\n\r\nsk-canary", "407"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"sk-canary\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nbytes that nobody asked for", "200"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, ""),
        (b"", "closed"),
    ],
)
def test_a_proxy_that_refuses_is_a_connection_that_was_never_made(
    run: Run[None], refuses: bytes, told: str
) -> None:
    proxy = ConnectProxy(refuses=refuses)
    with proxy.running(), RawServer(answers_always(OK)) as server:

        async def main() -> None:
            with pytest.raises(ConnectFailed) as raised:
                await ask(Transport(proxy=parse_proxy(proxy.url())), request(server.url))
            assert told in str(raised.value)
            assert "canary" not in str(raised.value)

        run(main())
    assert server.accepted == 0


def test_a_proxy_that_is_not_there_is_a_connection_that_was_never_made(run: Run[None]) -> None:
    async def main() -> None:
        with pytest.raises(ConnectFailed):
            await ask(Transport(proxy=parse_proxy("http://127.0.0.1:1")), request("http://x.com"))

    run(main())


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1", "https://10.0.0.1", "http://0x7f000001", "http://[::1]:80"),
        *("https://localhost", "https://vault", "https://vault.corp", "https://a.svc"),
        *("http://169.254.169.254/latest", "https://metadata.google.internal", "http://2130706433"),
    ],
)
def test_what_is_not_public_is_not_asked_of_the_proxy_either(run: Run[None], url: str) -> None:
    proxy = ConnectProxy()
    with proxy.running():

        async def main() -> None:
            transport = Transport(proxy=parse_proxy(proxy.url()))
            with pytest.raises(AddressRefused):
                await ask(transport, request(url, may_be_private=False))

        run(main())
    assert proxy.asked == []


def test_a_public_name_that_resolves_at_the_proxy_alone_is_reached(run: Run[bytes]) -> None:
    with RawServer(answers_always(OK)) as server:
        proxy = ConnectProxy(resolves={"api.provider.example": server.port})
        with proxy.running():

            async def main() -> bytes:
                transport = Transport(proxy=parse_proxy(proxy.url()))
                return await ask(
                    transport, request("http://api.provider.example", may_be_private=False)
                )

            assert run(main()) == b"ok"
    assert proxy.asked == ["api.provider.example:80"]


def test_a_certificate_of_another_host_is_refused_behind_a_proxy_too(
    run: Run[None], other_server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    proxy = ConnectProxy()
    with proxy.running(), RawServer(answers_always(OK), tls=other_server_tls) as server:

        async def main() -> None:
            way = settings(UPSTREAM_PROXY_URL=proxy.url(), UPSTREAM_CA_FILE=str(ca_file))
            with pytest.raises(ConnectFailed):
                await ask(Transport.from_settings(way), request(server.url))

        run(main())
    assert server.requests == []


def test_a_private_authority_is_trusted_beside_the_systems(
    run: Run[Any], server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    trusting = Transport.from_settings(settings(UPSTREAM_CA_FILE=str(ca_file)))
    assert trusting._ssl is not None  # noqa: SLF001  nothing else shows whom it trusts
    assert len(trusting._ssl.get_ca_certs()) > 0  # noqa: SLF001
    with RawServer(answers_always(OK), tls=server_tls) as server:
        outgoing = request(server.url)
        with pytest.raises(ConnectFailed):
            run(ask(Transport.from_settings(settings()), outgoing))

        async def main() -> bytes:
            way = settings(UPSTREAM_CA_FILE=str(ca_file))
            return await ask(Transport.from_settings(way), outgoing)

        assert run(main()) == b"ok"


@pytest.mark.parametrize(
    "url",
    [
        *("", "proxy:3128", "socks5://p:1", "http://", "http://p:port", "http://p:99999"),
        *("http://p/path", "http://p?x=1", "http://[::1", "ftp://u:secret@p"),
    ],
)
def test_a_proxy_that_cannot_be_read_stops_the_start_and_repeats_no_secret(url: str) -> None:
    way = UpstreamSettings.model_construct(
        proxy_url=SecretStr(url.replace("p", "secret-p")), ca_file=None
    )
    with pytest.raises(SettingsInvalid, match="UPSTREAM_PROXY_URL") as raised:
        Transport.from_settings(way)
    assert "secret" not in str(raised.value)


def test_certificates_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("not a certificate")
    for path in (tmp_path / "missing.pem", tmp_path / "not.pem", tmp_path):
        with pytest.raises(SettingsInvalid, match="UPSTREAM_CA_FILE"):
            Transport.from_settings(settings(UPSTREAM_CA_FILE=str(path)))


@given(user=st.text(min_size=1, max_size=20), password=st.text(max_size=20))
def test_no_credentials_can_break_out_of_their_header(user: str, password: str) -> None:
    proxy = parse_proxy(f"http://{quote(user, safe='')}:{quote(password, safe='')}@proxy:3128")
    assert proxy.authorization.count(b"\r\n") == 1
    assert proxy.authorization.endswith(b"\r\n")
    assert repr(proxy) == "Proxy(proxy:3128)"
    assert Origin("http", proxy.host, proxy.port).authority == b"proxy:3128"
