"""Pictures of a run, line by line."""

from sipfsm.verify.ladder import ladder, mermaid
from sipfsm.verify.results import Counterexample, Step
from sipfsm.verify.scenario import Property

RUN = Counterexample(
    scenario="invite",
    property=Property.S4,
    reason="it goes on",
    steps=(
        Step(at=0, what="start", who="caller", detail="start", rows=("ICT-01",), sent=("request",)),
        Step(at=0, what="duplicate", who="network", message="request", way=("client", "server"), age=0),
        Step(at=0, what="lose", who="network", message="request", way=("client", "server"), age=0),
        Step(at=0, what="pass", who="network", detail="1"),
        Step(
            at=1,
            what="deliver",
            who="server",
            message="request",
            way=("client", "server"),
            age=1,
            rows=("IST-01",),
            told=("request",),
        ),
        Step(at=1, what="choose", who="callee", detail="2xx", rows=("IST-04",), sent=("2xx",)),
        Step(at=1, what="fire", who="client", detail="A", rows=("ICT-02",), sent=("request",)),
        Step(at=1, what="lose", who="network", message="2xx", way=("server", "client"), age=0),
        Step(at=1, what="pass", who="network", detail="63"),
    ),
    circle=6,
)


def test_a_ladder() -> None:
    assert ladder(RUN) == [
        "  T1  caller        client                            server        callee",
        "   0     |--- start -->|                                 |             |      ICT-01; sends request",
        f"   0     |             |{' ' * 33}|             |      the network duplicates request",
        "   0     |             |------------ request -----------X|             |",
        "   1     |             |------- request, sent at 0 ----->|-- request ->|      IST-01",
        "   1     |             |                                 |<--- 2xx ----|      IST-04; sends 2xx",
        "     from here on again and again:",
        "   1     |         (timer A)                             |             |      ICT-02; sends request",
        "   1     |             |X------------- 2xx --------------|             |",
        "  64 S4: it goes on",
    ]


def test_a_sequence_diagram() -> None:
    assert mermaid(RUN).splitlines() == [
        "sequenceDiagram",
        "    participant caller",
        "    participant client",
        "    participant server",
        "    participant callee",
        "    caller->>client: start",
        "    Note over client,server: the network duplicates request",
        "    client-xserver: request",
        "    client->>server: request, sent at 0 (T1 * 1)",
        "    server->>callee: request (T1 * 1)",
        "    callee->>server: 2xx (T1 * 1)",
        "    Note over caller,callee: from here on again and again",
        "    Note over client: T1 * 1: timer A",
        "    server-xclient: 2xx",
        "    Note over caller,callee: T1 * 64: it goes on",
    ]
