"""Models as they are named on the command line: built-in ones by name, a user's own by file."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from sipfsm.fsm import Model, ModelError, load_model, load_model_file, model_names


def find_model(given: str) -> Model:
    """Read the model that a name or a path stands for.

    Args:
        given: the name of a built-in model, such as `rfc3261/invite-server`, or the path of a file.

    Raises:
        ModelError: there is no such model, or its file is wrong; the text has a line for each reason.
    """
    names = model_names()
    if given in names:
        return load_model(given)
    path = Path(given)
    if path.suffix == ".toml" or path.is_file():
        return load_model_file(path)
    near = get_close_matches(given, names, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    there = f"there are {', '.join(names)}; a model of your own is given by its file, NAME.toml"
    raise ModelError(given, [f"no built-in model has this name.{hint}", there])


def find_models(given: Sequence[str]) -> list[Model]:
    """Read all models that are named, or all built-in ones if none is.

    Raises:
        ModelError: as `find_model` does; or two models have one name.
    """
    wanted = list(dict.fromkeys(given)) or model_names()
    models = [find_model(each) for each in wanted]
    seen: dict[str, str] = {}
    for each, model in zip(wanted, models, strict=True):
        first = seen.setdefault(model.name, each)
        if first != each:
            raise ModelError(each, [f"its name, {model.name}, is also that of {first}"])
    return models
