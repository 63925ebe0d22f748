"""Prints the reference of error codes, infra/docs/errors.md, from the list that the code holds:
`python -m infra.docs.errors > infra/docs/errors.md`.
"""

from shared.openapi.codes import CODES

_HEAD = """\
# Error codes

Each error is `{"error": {"message", "type", "param", "code"}}`, as OpenAI has it. The Messages API
answers in Anthropic's shape, with the same `code` and `param`. The message says what to do in the
case at hand; this is what each code means in general.

| code | status | meaning | what to do |
|---|---|---|---|
"""


def reference() -> str:
    """The whole page."""
    rows = [
        f"| `{name}` | {' '.join(map(str, code.statuses))} | {code.means} | {code.fix} |\n"
        for name, code in CODES.items()
    ]
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    print(reference(), end="")
