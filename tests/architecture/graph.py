"""Which module imports which; imports inside functions and TYPE_CHECKING blocks count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.architecture.tree import Module

Graph = Mapping[str, frozenset[str]]


def graph_of(among: Iterable[Module]) -> Graph:
    """The modules by name, each with those of them that it imports."""
    among = list(among)
    names = {module.name for module in among}

    def imported(module: Module) -> frozenset[str]:
        # `from shared import log` names a module, `from shared.log import get_logger` is in one.
        found = {name if name in names else name.rpartition(".")[0] for name, _ in module.imports()}
        return frozenset((found & names) - {module.name})

    return {module.name: imported(module) for module in among}


def circles(graph: Graph) -> list[list[str]]:
    """Each set of modules of which every one leads to every other, sorted."""
    reached = {name: _reached_from(name, graph) for name in graph}
    rings = {
        tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph
    }
    return sorted(list(ring) for ring in rings if ring)


def _reached_from(name: str, graph: Graph) -> set[str]:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for follower in graph[waiting.pop()] - reached:
            reached.add(follower)
            waiting.append(follower)
    return reached


def arrows_up(graph: Graph, container: str, layers: Sequence[str]) -> list[str]:
    """`a -> b` for each import between rooms of the container that does not go down.

    A layer's rooms are parted by `|` and may not see each other. Raises KeyError for a room that
    has no layer.
    """
    heights = {
        room.strip(): -depth for depth, layer in enumerate(layers) for room in layer.split("|")
    }

    def room_of(name: str) -> str | None:
        parts = name.removeprefix(container + ".").split(".")
        return parts[0] if name.startswith(container + ".") else None

    return [
        f"{name} -> {other}"
        for name, others in graph.items()
        for other in sorted(others)
        if (room := room_of(name))
        and (seen := room_of(other))
        and room != seen
        and heights[seen] >= heights[room]
    ]
