"""What a Dockerfile of ours says, as an engine reads it; a step that is not known is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_STEPS = {"ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}


@dataclass
class Stage:
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def last(self, instruction: str) -> str:
        """What the last step of this kind says."""
        return [text for one, text in self.steps if one == instruction][-1]

    def command(self, instruction: str = "CMD") -> list[str]:
        """The command of a step in the form that no shell reads."""
        text = self.last(instruction)
        return json.loads(text[text.index("[") :])


def stages(dockerfile: str) -> list[Stage]:
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    found: list[Stage] = []
    for line in "\n".join(lines).replace("\\\n", "").splitlines():
        instruction, _, text = line.partition(" ")
        if instruction == "FROM":
            found.append(Stage(text.rpartition(" AS ")[2]))
        elif instruction in _STEPS:
            found[-1].steps.append((instruction, text.strip()))
        else:
            raise ValueError(f"an engine would know what {instruction} is; teach it to {__name__}")
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables[found[1] or found[2]], text)


def assignments(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Of an ENV or an ARG."""
    pairs = (one.partition("=") for one in text.split())
    return {name: expanded(value, variables) for name, _, value in pairs}
