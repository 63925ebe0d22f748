"""Counts the corpus with o200k_base and records it: `pip install bpe-openai`, then run this file.

Each document is a letter written for this corpus and the begin of the Universal Declaration of
Human Rights (public domain, as the Unicode consortium keeps it); code and JSON are our own.
"""

from __future__ import annotations

import importlib
import json
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    encoding = importlib.import_module("bpe_openai").get_encoding("o200k_base")
    counts = {
        path.stem: len(encoding.encode_ordinary(path.read_text()))
        for path in sorted(HERE.glob("*.txt"))
    }
    recorded = {"tool": f"bpe-openai {version('bpe-openai')}, o200k_base", "tokens": counts}
    (HERE / "counts.json").write_text(json.dumps(recorded, indent=2) + "\n")


if __name__ == "__main__":
    main()
