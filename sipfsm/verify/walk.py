"""All steps of a composition, nearest first, each with a shortest run that leads to it."""

from collections.abc import Iterator

from sipfsm.verify.composition import Composition, Edge


class Walk:
    """Goes through all states breadth first; a step that breaks a property is not followed."""

    def __init__(self, composition: Composition) -> None:
        """Begin at the start."""
        self._composition = composition
        self._came_by: dict[int, tuple[int, Edge] | None] = {composition.start: None}

    def __iter__(self) -> Iterator[tuple[int, Edge]]:
        """Yield each step, with the state that it is taken in."""
        came_by = self._came_by
        order = list(came_by)
        for state in order:  # which grows on the way
            for edge in self._composition.edges(state):
                yield state, edge
                if edge[0] not in came_by and not edge[1]:
                    came_by[edge[0]] = (state, edge)
                    order.append(edge[0])

    def way(self, state: int) -> tuple[Edge, ...]:
        """Give the steps of a shortest run to a state that was met."""
        path = []
        while (step := self._came_by[state]) is not None:
            state, edge = step
            path.append(edge)
        return tuple(reversed(path))
