"""``sipfsm draw``: the machines as pictures, and in the formats of other programs."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sipfsm.cli.models import find_model, find_models
from sipfsm.fsm import Model, ModelError
from sipfsm.statechart import (
    GENERATED,
    RECIPES,
    Chart,
    Format,
    compare,
    make_chart,
    summarize,
    write_markdown,
)

STANDARD_OUTPUT = Path("-")


class DrawError(ValueError):
    """What was asked for cannot be done; the text is one sentence."""


def draw(
    *models: Annotated[str, Parameter(metavar="MODEL")],
    formats: Annotated[
        list[Format] | None,
        Parameter(name="--format", metavar="FORMAT"),
    ] = None,
    output: Annotated[Path | None, Parameter(metavar="FOLDER|-", allow_leading_hyphen=True)] = None,
    diff: Annotated[str | None, Parameter(metavar="OTHER")] = None,
) -> int:
    """Draw state machines: as pictures, or in the formats of other programs.

    Args:
        models: Built-in models by name, such as invite-server or rfc3261/invite-server, or files of your own.
            Without any, all built-in models are drawn.
        formats: What to make; may be repeated. svg and png are pictures, the others are text. Default: svg.
        output: The folder to write to, made if need be; with - one file is printed. Default: this folder; but
            one machine in one format that is text is printed. Only files that sipfsm draw made are replaced.
        diff: Draw what MODEL adds, drops and changes against OTHER, and say it. All formats but scxml.
    """
    wanted = list(dict.fromkeys(formats or [Format.SVG]))
    try:
        charts = _charts(models, diff, wanted)
        if output is None and len(charts) == len(wanted) == 1 and not RECIPES[wanted[0]].is_picture:
            output = STANDARD_OUTPUT
        files = {
            name: content
            for chart, model in charts.items()
            for name, content in render(chart, wanted, model).items()
        }
        if output == STANDARD_OUTPUT:
            _print(files)
            return 0
        if diff is not None:
            print("\n".join(summarize(next(iter(charts)))))
        for path in write_files(output or Path(), files):
            print(f"wrote {path}")
    except ModelError as error:
        return _complain(str(error).splitlines(), 2)
    except DrawError as error:
        return _complain([f"sipfsm draw: {error}"], 2)
    except BrokenPipeError:
        raise  # whoever read what was printed is gone
    except OSError as error:
        return _complain([f"sipfsm draw: {error.filename or output}: cannot be written: {error.strerror}"], 1)
    return 0


def render(chart: Chart, formats: Sequence[Format], model: Model | None = None) -> dict[str, str | bytes]:
    """Make the files of a machine: their contents by their names.

    Args:
        chart: what is drawn.
        formats: what to make.
        model: the machine, to have its page say what is verified of it; None where two are compared.
    """
    files: dict[str, str | bytes] = {}
    for each in formats:
        recipe = RECIPES[each]
        page = each is Format.MARKDOWN
        content = _page(chart, formats, model) if page else recipe.render(chart)
        files[chart.name + recipe.suffix] = content
    return files


def _page(chart: Chart, formats: Sequence[Format], model: Model | None) -> str:
    from sipfsm.cli.properties import verified  # noqa: PLC0415 - no other format needs what it loads

    picture = chart.name + RECIPES[Format.SVG].suffix if Format.SVG in formats else None
    return write_markdown(chart, picture=picture, sections=[] if model is None else [verified(model)])


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Write files, none of them if one would replace what somebody else made.

    Raises:
        DrawError: a file is there that was not generated.
        OSError: a file cannot be written.
    """
    paths = {folder / name: content for name, content in files.items()}
    for path in paths:
        if path.exists() and GENERATED.encode() not in path.read_bytes():
            raise DrawError(
                f"{path} was not made by sipfsm draw, so it stays: move it, or use --output FOLDER"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in paths.items():
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(paths)


def _charts(models: Sequence[str], diff: str | None, formats: Sequence[Format]) -> dict[Chart, Model | None]:
    """What is drawn, each with its model unless it is two of them."""
    if diff is None:
        return {make_chart(model): model for model in find_models(models)}
    if len(models) != 1:
        raise DrawError("--diff compares one MODEL with OTHER, as in: sipfsm draw MODEL --diff OTHER")
    unfit = [each for each in formats if not RECIPES[each].compares]
    if unfit:
        raise DrawError(f"--format {unfit[0]}: two machines that are compared are none that could run")
    return {compare(make_chart(find_model(models[0])), make_chart(find_model(diff))): None}


def _print(files: Mapping[str, str | bytes]) -> None:
    if len(files) != 1:
        raise DrawError(f"--output - prints one file, and these would be {len(files)}: {', '.join(files)}")
    content = next(iter(files.values()))
    if isinstance(content, str):
        sys.stdout.write(content)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)


def _complain(lines: Sequence[str], code: int) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return code
