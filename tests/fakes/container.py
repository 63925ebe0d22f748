"""A Dockerfile's steps and its container without an engine: Linux namespaces, and this machine.

This machine stands for the image that the recipe begins with: its files, Python and pip's settings
are there, below a layer of its own in memory, which takes what is written and goes with the test.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.architecture.tree import ROOT
from tests.fakes.dockerfile import Stage, assignments, expanded, stages

_BASE = f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def what_is_missing() -> str | None:
    """Why no image can be built here."""
    if os.geteuid() != 0:
        return "only root may mount files, and become the container's user"
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "this machine gives no namespace of mounts" if done.returncode != 0 else None


class Image:
    """Use as `with`: builds it. Raises RuntimeError with the words of the step that failed."""

    def __init__(self, dockerfile: str, folder: Path, **arguments: str) -> None:
        self._stages = stages(dockerfile)
        self._folder = folder
        self._arguments = arguments
        self._holder: subprocess.Popen[str]
        self.environment: dict[str, str] = {}

    @property
    def last(self) -> Stage:
        return self._stages[-1]

    @property
    def user(self) -> str:
        return self.last.last("USER")

    def __enter__(self) -> Image:
        memory = 'mount -t tmpfs -o mode=0755,size=4g tmpfs "$0" && echo up && exec cat'
        hold = ["sh", "-c", memory, str(self._folder)]
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", *hold],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "up\n"
        try:
            for stage in self._stages:
                self._build(stage)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.communicate()

    def root(self, stage: Stage) -> Path:
        return self._folder / (stage.name if stage is not self.last else "last") / "root"

    def inside(self, script: str) -> list[str]:
        """A command that runs a script where the image's files are to be seen."""
        return ["nsenter", "-t", str(self._holder.pid), "--mount", "sh", "-euc", script]

    def _do(self, script: str) -> None:
        done = subprocess.run(self.inside(script), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{script}\n{done.stdout}{done.stderr}")

    def _build(self, stage: Stage) -> None:
        root = self.root(stage)
        layer = root.parent
        self._do(
            f"mkdir -p {layer}/upper {layer}/work {root};"
            f"mount -t overlay overlay {root}"
            f" -o lowerdir=/,upperdir={layer}/upper,workdir={layer}/work;"
            f"mount --rbind /dev {root}/dev; mount --rbind /proc {root}/proc;"
            f"mount -t tmpfs tmpfs {root}/tmp;"
            # Where this machine's Python is may be for its owner alone; in this layer it is not.
            + "".join(f"chmod a+x {root}{one};" for one in Path(sys.base_prefix).parents)
        )
        variables = {"PATH": _BASE, "HOME": os.environ.get("HOME", "/")}
        where = "/"
        for instruction, text in stage.steps:
            if instruction == "ARG":
                variables |= assignments(text, variables)
                given = {key: self._arguments[key] for key in self._arguments if f"{key}=" in text}
                variables |= given
            elif instruction == "ENV":
                variables |= assignments(text, variables)
            elif instruction == "WORKDIR":
                where = text
                self._do(f"mkdir -p {root}{where}")
            elif instruction == "COPY":
                self._copy(stage, where, expanded(text, variables).split())
            elif instruction == "RUN":
                self._run(root, where, text, variables)
        self.environment = variables

    def _copy(self, stage: Stage, where: str, words: list[str]) -> None:
        source = ROOT
        if words[0].startswith("--from="):
            name = words.pop(0).removeprefix("--from=")
            source = self.root(next(one for one in self._stages if one.name == name))
        *names, target = words
        target = f"{self.root(stage)}{target if target.startswith('/') else f'{where}/{target}'}"
        for name in names:
            path = f"{source}/{name.lstrip('/')}"
            # As an engine does: what is in a folder, but a file itself.
            self._do(
                f"if [ -d {path} ]; then mkdir -p {target}; cp -a {path}/. {target}/;"
                f" else mkdir -p {target if target.endswith('/') else Path(target).parent};"
                f" cp -a {path} {target}; fi; find {target} -name __pycache__ -prune"
                f" -exec rm -rf {{}} +; chown -R 0:0 {target}"
            )

    def _run(self, root: Path, where: str, script: str, variables: Mapping[str, str]) -> None:
        given = " ".join(f"{key}={shlex.quote(value)}" for key, value in variables.items())
        step = f"cd {where} && {script}"
        # With the rest of this machine's environment: it has the settings of pip's index.
        self._do(f"unset PYTHONPATH; exec env {given} chroot {root} sh -euc {shlex.quote(step)}")


class Container:
    """Use as `with`: its command is the first process of a namespace, its files read-only."""

    def __init__(self, image: Image, **environment: str) -> None:
        self.image = image
        self._environment = {**image.environment, "HOME": "/", **environment}
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Container:
        self._process = subprocess.Popen(
            self._command(self.image.last.command()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()  # and with it, by unshare's --kill-child, the first process
        self._process.communicate()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._environment['PORT']}"

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A second command in the same files, as the same user."""
        return subprocess.run(
            self._command(list(command)), capture_output=True, text=True, check=False
        )

    def first_process(self) -> psutil.Process:
        (first,) = psutil.Process(self._process.pid).children()
        return first

    def stop(self, timeout_s: float) -> tuple[int, str]:
        """SIGTERM to the first process, as `docker stop` does; its exit code and its output."""
        self.first_process().terminate()
        output, _ = self._process.communicate(timeout=timeout_s)
        return self._process.returncode, output

    def _command(self, command: list[str]) -> list[str]:
        root = self.image.root(self.image.last)
        volume, user = self.image.last.last("VOLUME"), self.image.user
        given = " ".join(f"{key}={shlex.quote(value)}" for key, value in self._environment.items())
        start = f"cd {self.image.last.last('WORKDIR')} && exec {shlex.join(command)}"
        return self.image.inside(
            "exec unshare --mount --propagation private --pid --fork --kill-child sh -euc "
            + shlex.quote(
                f"mount --bind {root}{volume} {root}{volume}; mount -o remount,bind,ro {root};"
                f"mount -o remount,bind,ro {root}/tmp; mount -t proc proc {root}/proc;"
                f"exec env -i {given} chroot --userspec={user}:{user} {root}"
                f" sh -euc {shlex.quote(start)}"
            )
        )
