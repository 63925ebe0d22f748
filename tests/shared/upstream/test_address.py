"""No request leaves for an address that is not public, whatever name or notation hides it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from shared.upstream.address import is_metadata, is_public
from shared.upstream.faults import AddressRefused, ConnectFailed
from shared.upstream.transport import Transport
from tests.fakes.raw_server import RawServer, answers_always
from tests.shared.upstream.calls import OK, Run, open_transport, request, within

_NOT_PUBLIC = {
    "loopback": "127.0.0.1",
    "all of loopback's block": "127.255.0.9",
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "private, 10/8": "10.0.0.1",
    "private, 172.16/12": "172.31.255.255",
    "private, 192.168/16": "192.168.1.1",
    "a carrier's own, 100.64/10": "100.64.0.1",
    "link-local, where clouds keep credentials": "169.254.169.254",
    "protocol assignments": "192.0.0.192",
    "Azure's wire server": "168.63.129.16",
    "Azure's wire server, mapped": "::ffff:168.63.129.16",
    "documentation": "203.0.113.1",
    "benchmarks": "198.18.0.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 loopback": "::1",
    "IPv6 unspecified": "::",
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with a zone": "fe80::1%eth0",
    "IPv6 site-local, deprecated": "fec0::1",
    "IPv6 unique local": "fd00::1",
    "IPv6 multicast": "ff02::1",
    "IPv6 documentation": "2001:db8::1",
    "IPv6 documentation, new": "3fff::1",
    "segment routing": "5f00::1",
    "IPv4 mapped": "::ffff:127.0.0.1",
    "IPv4 mapped, private": "::ffff:10.0.0.1",
    "IPv4 compatible, deprecated": "::127.0.0.1",
    "NAT64": "64:ff9b::a9fe:a9fe",
    "NAT64, local": "64:ff9b:1::1",
    "6to4 of loopback": "2002:7f00:1::",
    "Teredo": "2001:0:53aa:64c:0:fb7e:80ff:fffe",
}


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.2", "169.254.0.1", "100.100.100.200", "192.0.0.192"),
        *("168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fe80::1%eth0"),
        *(
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "64:ff9b:1::a9fe:a9fe",
        ),
    ],
)
def test_where_clouds_keep_credentials_nothing_is_asked_not_even_of_a_local_provider(
    address: str,
) -> None:
    assert is_metadata(address)
    assert not is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "fd00::1", "1.1.1.1", "100.64.0.1"])
def test_other_private_addresses_may_be_a_local_provider(address: str) -> None:
    assert not is_metadata(address)


@pytest.mark.parametrize("address", _NOT_PUBLIC.values(), ids=_NOT_PUBLIC)
def test_these_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "104.18.7.192", "172.32.0.1", "2606:4700::6812:7c0", "::ffff:8.8.8.8"]
)
def test_these_are_public(address: str) -> None:
    assert is_public(address)


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError):
        is_public("api.example.com")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_reaches_a_private_address_by_any_notation(
    run: Run[None], host: str, scheme: str
) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            url = f"{scheme}://{host}:{server.port}/"
            outgoing = request(url, may_be_private=False)
            with pytest.raises(AddressRefused):
                await transport.send(outgoing, deadline=within())

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 0


def test_what_one_request_may_call_the_next_to_the_same_place_may_not(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            public = request(server.url, may_be_private=False)
            for _ in range(2):
                answer = await transport.send(request(server.url), deadline=within())
                assert await answer.read() == b"ok"
                with pytest.raises(AddressRefused):
                    await transport.send(public, deadline=within())

    with RawServer(answers_always(OK)) as server:
        run(main())
    assert server.accepted == 1


def test_an_ipv6_address_is_called(run: Run[None]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            answer = await transport.send(request(server.url), deadline=within())
            assert await answer.read() == b"ok"

    with RawServer(answers_always(OK), host="::1") as server:
        run(main())
    assert f"host: [::1]:{server.port}".encode() in server.requests[0]


class Resolver(asyncio.SelectorEventLoop):
    """A loop whose DNS answers are written here: the n-th question has the n-th answer.

    Its network ends at loopback: no test calls a real public address.
    """

    def __init__(self, *answers: list[str]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[str] = []
        self.connected: list[str] = []

    async def create_connection(self, factory: Any, host: Any, *rest: Any, **named: Any) -> Any:
        self.connected.append(host)
        if not host.startswith("127."):
            raise OSError("the network is unreachable")
        return await super().create_connection(factory, host, *rest, **named)

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> list[Any]:
        found = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(host)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in found]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, found, strict=True)
        ]


def run_with(resolver: Resolver, main: Any) -> None:
    with asyncio.Runner(loop_factory=lambda: resolver) as runner:
        runner.run(asyncio.wait_for(main, 30))


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"], ["::1"]],
    ids=["private", "public, then private", "private, then public", "IPv6 loopback"],
)
def test_a_name_is_refused_if_any_of_its_addresses_is_private(answers: list[str]) -> None:
    async def main() -> None:
        async with open_transport() as transport:
            url = f"http://api.example.com:{server.port}/"
            outgoing = request(url, may_be_private=False)
            with pytest.raises(AddressRefused):
                await transport.send(outgoing, deadline=within())

    with RawServer(answers_always(OK)) as server:
        run_with(Resolver(answers), main())
    assert server.accepted == 0


def test_a_name_that_turns_private_later_is_refused_then() -> None:
    """DNS rebinding: the first answer proves nothing for the second connection."""

    async def main() -> None:
        async with open_transport() as transport:
            url = f"http://api.example.com:{server.port}/"
            outgoing = request(url, may_be_private=False)
            with pytest.raises(ConnectFailed, match="failed"):
                await transport.send(outgoing, deadline=within())
            with pytest.raises(AddressRefused):
                await transport.send(outgoing, deadline=within())

    resolver = Resolver(["93.184.215.14"], ["127.0.0.1"])
    with RawServer(answers_always(OK)) as server:
        run_with(resolver, main())
    assert (resolver.connected, server.accepted) == (["93.184.215.14"], 0)


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """One question to DNS a connection; its second answer would lead elsewhere."""
    resolver = Resolver(["127.0.0.1"], ["127.0.0.2"])

    async def main() -> None:
        transport = Transport()
        url = f"http://provider.example.com:{server.port}/"
        answer = await transport.send(request(url), deadline=within())
        assert await answer.read() == b"ok"
        await transport.aclose()

    with RawServer(answers_always(OK)) as server:
        run_with(resolver, main())
    assert resolver.asked == ["provider.example.com"]
    assert f"host: provider.example.com:{server.port}".encode() in server.requests[0]


def test_tls_is_checked_against_the_name_not_the_address(
    other_server_tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async def main() -> None:
        transport = Transport(ssl_context=trust)
        good = request(f"https://api.example.com:{server.port}/")
        assert await (await transport.send(good, deadline=within())).read() == b"ok"
        bad = request(f"https://evil.example.com:{server.port}/")
        with pytest.raises(ConnectFailed):
            await transport.send(bad, deadline=within())
        await transport.aclose()

    with RawServer(answers_always(OK), tls=other_server_tls) as server:
        run_with(Resolver(["127.0.0.1"]), main())
    assert len(server.requests) == 1


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async def main() -> None:
        transport = Transport()
        url = f"http://provider.example.com:{server.port}/"
        answer = await transport.send(request(url), deadline=within())
        assert await answer.read() == b"ok"
        await transport.aclose()

    with RawServer(answers_always(OK)) as server:
        run_with(Resolver(["127.0.0.3", "127.0.0.1"]), main())
    assert server.accepted == 1
