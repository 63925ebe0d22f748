"""One strict reading of a URL: no two readers can differ on its host, and no secret in an error."""

from __future__ import annotations

import httpx
import pytest

from shared.upstream.origin import Origin, parse_url

_READ = {
    "a bare host": ("https://api.openai.com", ("https", "api.openai.com", 443), "/"),
    "a path and a query": (
        "https://api.openai.com/v1/models?limit=2&after=a%20b",
        ("https", "api.openai.com", 443),
        "/v1/models?limit=2&after=a%20b",
    ),
    "a query alone": ("http://a.example?x=1", ("http", "a.example", 80), "/?x=1"),
    "a port": ("http://localhost:8090/v1", ("http", "localhost", 8090), "/v1"),
    "the usual port": ("https://a.example:443/", ("https", "a.example", 443), "/"),
    "capitals in scheme and host": (
        "HTTPS://API.Example.COM/V1",
        ("https", "api.example.com", 443),
        "/V1",
    ),
    "IPv4": ("http://127.0.0.1:1/", ("http", "127.0.0.1", 1), "/"),
    "IPv6": ("http://[::1]:8080/a", ("http", "::1", 8080), "/a"),
    "IPv6 in long form": ("http://[0:0:0:0:0:0:0:1]/", ("http", "::1", 80), "/"),
    "an underscore, as in compose": ("http://my_vllm:8000/v1", ("http", "my_vllm", 8000), "/v1"),
    "dots and slashes stay": (
        "http://a.example/a/../b//c",
        ("http", "a.example", 80),
        "/a/../b//c",
    ),
    "an at sign in the path": ("http://a.example/@b", ("http", "a.example", 80), "/@b"),
    "a semicolon": ("http://a.example/a;b?c;d", ("http", "a.example", 80), "/a;b?c;d"),
}


@pytest.mark.parametrize("case", _READ.values(), ids=_READ)
def test_a_url_is_read(case: tuple[str, tuple[str, str, int], str]) -> None:
    url, (scheme, host, port), target = case
    assert parse_url(url) == (Origin(scheme, host, port), target)


@pytest.mark.parametrize("case", _READ.values(), ids=_READ)
def test_httpx_reads_the_same_host(case: tuple[str, tuple[str, str, int], str]) -> None:
    url, (scheme, host, port), _ = case
    theirs = httpx.URL(url)
    assert theirs.scheme == scheme
    assert theirs.host.replace("0:0:0:0:0:0:0:1", "::1") == host
    assert theirs.port in {port, None}


_REFUSED = {
    "no scheme": "api.openai.com/v1",
    "no host": "https:///v1",
    "nothing": "",
    "another scheme": "ftp://a.example/",
    "file": "file:///etc/passwd",
    "a user": "https://canary@a.example/",
    "a user and a password": "https://user:canary@a.example/",
    "an empty user": "https://@a.example/",
    "a user that looks like the host": "https://api.openai.com@169.254.169.254/canary",
    "a fragment": "https://a.example/#canary",
    "an empty fragment": "https://a.example/#",
    "a fragment behind the host": "https://a.example#.b.example/",
    "a backslash": "https://a.example\\@b.example/canary",
    "a tab": "https://a.exam\tple/canary",
    "a line feed in the path": "https://a.example/canary\nx-evil: 1",
    "CR LF in the path": "https://a.example/ HTTP/1.1\r\nx-evil: canary",
    "a blank in the path": "https://a.example/a b",
    "a blank in front": " https://a.example/",
    "a NUL": "https://a.example/\0canary",
    "beyond ASCII in the path": "https://a.example/caf\xe9",
    "beyond ASCII in the host": "https://\u0430.example/",
    "a full-width dot": "https://127\uff0e0\uff0e0\uff0e1/",
    "a dot at the host's end": "https://a.example./",
    "an empty label": "https://a..example/",
    "a percent in the host": "https://a%2eexample/canary",
    "a host that starts with a hyphen": "https://-a.example/",
    "a label of 64 characters": f"https://{'a' * 64}.example/",
    "a colon without a port": "https://a.example:/canary",
    "port 0": "https://a.example:0/canary",
    "a port above 65535": "https://a.example:65536/",
    "a port that is no number": "https://a.example:canary/",
    "a negative port": "https://a.example:-1/",
    "an open bracket": "http://[::1/",
    "IPv6 that is none": "http://[canary]/",
    "something behind the bracket": "http://[::1]canary/",
    "something before the bracket": "http://canary[::1]/",
    "an IPv6 zone": "http://[fe80::1%25eth0]/",
}


@pytest.mark.parametrize("url", _REFUSED.values(), ids=_REFUSED)
def test_a_url_is_refused_in_one_line_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_url(url)
    message = str(raised.value)
    assert message
    assert "\n" not in message
    assert "canary" not in message


_AUTHORITIES = {
    "the usual port is left out": ("https://a.example:443/", b"a.example"),
    "another port is named": ("https://a.example:8443/", b"a.example:8443"),
    "http on 443 names it": ("http://a.example:443/", b"a.example:443"),
    "IPv6 stands in brackets": ("http://[::1]:8080/", b"[::1]:8080"),
}


@pytest.mark.parametrize("case", _AUTHORITIES.values(), ids=_AUTHORITIES)
def test_the_host_header_follows_from_the_origin(case: tuple[str, bytes]) -> None:
    url, authority = case
    assert parse_url(url)[0].authority == authority
