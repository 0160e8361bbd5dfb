"""What `make verify-mutants` found out: it is about these models, good enough, and true of a sample."""

import json
import random

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.mutants import Mutant, mutants
from sipfsm.verify.obligations import OBLIGATIONS
from tests.models.mutation import ENGINES, PAGE, RECORD, WHY, Record, fingerprint, page, rate

every_machine = pytest.mark.parametrize("name", OBLIGATIONS)
engines = pytest.mark.parametrize("engine", ENGINES)

SAMPLE = {"explore": 10, "spin": 30}
"""How many mutants of each model are judged here again, besides those that live."""


@pytest.fixture(scope="module")
def record() -> Record:
    text: Record = json.loads(RECORD.read_text())
    return text


@every_machine
def test_the_record_is_of_these_models(name: str, record: Record) -> None:
    assert record[name]["fingerprint"] == fingerprint(name), "run: make verify-mutants"


def test_the_page_is_what_the_record_says(record: Record) -> None:
    assert PAGE.read_text() == page(record)


@every_machine
@engines
def test_each_engine_kills_95_percent(name: str, engine: str, record: Record) -> None:
    killed, different = rate(record[name], engine)
    assert killed >= 0.95 * different


@every_machine
def test_every_survivor_has_a_reason(name: str, record: Record) -> None:
    alive = {each for names in record[name]["survivors"].values() for each in names}
    assert alive == set(record[name]["equivalent"]) | {mutant for model, mutant in WHY if model == name}


@pytest.mark.slow
@every_machine
@engines
def test_a_sample_is_judged_as_recorded(name: str, engine: str, record: Record) -> None:
    sample = _sample(name, engine)
    alive = record[name]["survivors"][engine]
    expected = [mutant.name in alive for mutant in sample]
    models = [mutant.model for mutant in sample if mutant.model is not None]
    assert ENGINES[engine](name, models) == expected, [mutant.name for mutant in sample]


def _sample(name: str, engine: str) -> list[Mutant]:
    """The same ones in each run, for a test that fails has to fail again; all that live, and some others."""
    accepted = [mutant for mutant in mutants(load_model(name)) if mutant.model is not None]
    alive = json.loads(RECORD.read_text())[name]["survivors"][engine]
    some = random.Random(f"{name} {engine}").sample(accepted, SAMPLE[engine])
    return [mutant for mutant in accepted if mutant.name in alive or mutant in some]
