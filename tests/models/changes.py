"""Models into which a mistake is put."""

from __future__ import annotations

from collections.abc import Callable

from sipfsm.fsm import Model, load_model


def changed(model: str | Model, *rows: str, **changes: object) -> Model:
    """A model, or a built-in one by its name, in which rows are other than they were."""
    found = load_model(model) if isinstance(model, str) else model
    others = [each.model_copy(update=changes) if each.id in rows else each for each in found.transitions]
    assert others != list(found.transitions)
    return found.model_copy(update={"transitions": tuple(others)})


def without(name: str, row: str) -> Model:
    """A built-in model that lacks a row."""
    model = load_model(name)
    left = tuple(each for each in model.transitions if each.id != row)
    assert left != model.transitions
    return model.model_copy(update={"transitions": left})


def finding(*models: Model) -> Callable[[str], Model]:
    """Give models by their names, these in the place of the built-in ones."""
    known = {model.name: model for model in models}
    return lambda name: known.get(name) or load_model(name)
