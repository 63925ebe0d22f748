"""`/docs`: the OpenAPI document as one page of HTML. It loads nothing, and runs no script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""Its Content-Security-Policy."""

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow-x:auto;padding:.5rem;border:1px solid}
details{border-top:1px solid #8888;padding:.5rem 0}summary{cursor:pointer}
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}
"""


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    tags = [tag["name"] for tag in document["tags"]]
    index = " · ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in tags)
    sections = "".join(_section(document, tag) for tag in tags)
    title = escape(document["info"]["title"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body><h1>{title} API</h1>"
        f"<p>{escape(document['info'].get('description', ''))}</p>"
        '<p>The same for programs: <a href="/openapi/openapi.json">/openapi/openapi.json</a></p>'
        f"<nav>{index}</nav>{sections}</body></html>"
    )


def _section(document: Mapping[str, Any], tag: str) -> str:
    shown = "".join(
        _operation(path, verb, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if tag in operation.get("tags", ())
    )
    return f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{shown}'


def _operation(path: str, verb: str, operation: Mapping[str, Any]) -> str:
    said = operation.get("description", "")
    first = said.split("\n", 1)[0]
    return (
        f"<details><summary><code><b>{verb.upper()}</b> {escape(path)}</code> {escape(first)}"
        f"</summary><p>{escape(said)}</p>{_parameters(operation)}{_body(operation)}"
        f"{_responses(operation)}</details>"
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
    )
    return f"<table><tr><th>parameter<th>in<th>meaning{rows}</table>" if rows else ""


def _body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not content:
        return ""
    shown = content.get("example", content.get("schema", {}))
    return f"<p>Body:</p><pre>{escape(json.dumps(shown, indent=2))}</pre>"


def _responses(operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code></td>"
        f"<td>{escape(response.get('description', ''))}</td></tr>"
        for status, response in sorted(operation["responses"].items())
    )
    return f"<table><tr><th>status<th>meaning{rows}</table>"
