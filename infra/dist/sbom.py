"""Prints the software bill of materials of a release, as CycloneDX 1.6 JSON: everything that
requirements.txt installs, with the version and the hashes that it is held to.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)((?:[^\\\n]|\\\n)*)", re.MULTILINE)


def components(lock: str) -> list[dict[str, Any]]:
    """One for each line of a lock with hashes."""
    return [
        {
            "type": "library",
            "bom-ref": purl(name, version),
            "name": name,
            "version": version,
            "purl": purl(name, version),
            "properties": [
                {"name": "switchyard:accepted_sha256", "value": digest}
                for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
            ],
        }
        for name, version, rest in _PIN.findall(lock)
    ]


def purl(name: str, version: str) -> str:
    """The package URL of a distribution on PyPI."""
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"


def bill(project: dict[str, Any], lock: str) -> dict[str, Any]:
    """The document. It has no serial number and no time: the same release has the same bill."""
    parts = components(lock)
    own = purl(project["name"], project["version"])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": own,
            }
        },
        "components": parts,
        "dependencies": [
            {"ref": own, "dependsOn": [part["bom-ref"] for part in parts]},
        ],
    }


if __name__ == "__main__":
    own = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if sys.argv[1:] == ["--version"]:
        print(own["version"])
    else:
        print(json.dumps(bill(own, (ROOT / "requirements.txt").read_text("utf-8")), indent=2))
