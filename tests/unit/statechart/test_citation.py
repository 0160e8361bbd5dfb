"""Citations: which clauses they name, where those are, and what kind of source comes first."""

import pytest

from sipfsm.statechart import Origin, read_citation

RFC = "https://www.rfc-editor.org/rfc/rfc"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("3261 17.1.1.2 MUST", ["RFC 3261 17.1.1.2"]),
        ("3261 16.6 steps 10 and 11 MUST", ["RFC 3261 16.6"]),
        ("3261 16.6 step 7 and 18.1.1 SHOULD", ["RFC 3261 16.6", "RFC 3261 18.1.1"]),
        ("3261 17.2.2 and 4320 4.1 MUST", ["RFC 3261 17.2.2", "RFC 4320 4.1"]),
        ("6026 7.1 and 8.8 SHOULD inform, MUST stay", ["RFC 6026 7.1", "RFC 6026 8.8"]),
        ("3261 17.1.4 SHOULD, Figure 5", ["RFC 3261 17.1.4"]),
        ("3261 10 MUST", ["RFC 3261 10"]),
        ("3261 Figure 6", ["RFC 3261"]),
        ("erratum 1470 MUST", ["erratum 1470"]),
        ("gap", []),
    ],
)
def test_the_clauses_of_a_citation(text: str, labels: list[str]) -> None:
    citation = read_citation(text)
    assert [clause.label for clause in citation.clauses] == labels
    assert citation.text == text


def test_a_clause_is_linked_to_its_text() -> None:
    assert read_citation("3261 17.1.1.2 MUST").link == f"{RFC}3261.html#section-17.1.1.2"
    assert read_citation("3261 Figure 6").link == f"{RFC}3261.html"
    assert read_citation("erratum 1470").link == "https://www.rfc-editor.org/errata/eid1470"
    assert read_citation("gap").link is None


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("3261 17.2.2 and 4320 4.1 MUST", Origin.RFC_3261),
        ("6026 7.1 MUST", Origin.RFC_6026),
        ("4320 4.1 MUST NOT", Origin.OTHER),
        ("erratum 1470", Origin.OTHER),
        ("gap", Origin.GAP),
    ],
)
def test_the_first_source_decides_the_colour(text: str, origin: Origin) -> None:
    assert read_citation(text).origin is origin
