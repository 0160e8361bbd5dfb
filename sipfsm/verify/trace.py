"""A run as data: what an exploration found, step by step, for whoever is to read it or to do it again."""

from sipfsm.verify.composition import Composition, Edge
from sipfsm.verify.explore import Violation
from sipfsm.verify.network import Delivery
from sipfsm.verify.results import Counterexample, Step
from sipfsm.verify.scenario import AnyProperty
from sipfsm.verify.side import Move


def tell(
    composition: Composition, scenario: str, broken: AnyProperty, violation: Violation, lanes: tuple[str, ...]
) -> Counterexample:
    """Make a counterexample of what an exploration kept.

    Args:
        composition: what was explored.
        scenario: its name.
        broken: the property.
        violation: the run that breaks it.
        lanes: who takes part, in the order in which a picture shows them.
    """
    steps = [_move_step(composition, 0, "start", composition.first)]
    now = 0
    for edge in violation.path:
        steps.append(_step(composition, now, edge))
        now += edge[5]
    return Counterexample(
        scenario=scenario,
        property=broken,
        reason=violation.reason,
        lanes=lanes,
        steps=tuple(steps),
        circle=None if violation.circle is None else violation.circle + 1,
    )


def _step(composition: Composition, now: int, edge: Edge) -> Step:
    _after, _broken, what, delivery, move, passed = edge
    if what == "pass":
        return Step(at=now, what="pass", who="network", detail=str(passed))
    if move is None:
        assert delivery is not None
        return _mail_step(composition, now, what, delivery)
    step = _move_step(composition, now, what, move)
    if delivery is None:
        return step
    mailed = _mail_step(composition, now, what, delivery)
    return step.model_copy(
        update={"message": mailed.message, "way": mailed.way, "age": mailed.age, "detail": ""}
    )


def _mail_step(composition: Composition, now: int, what: str, delivery: Delivery) -> Step:
    mail = composition.medium.mails[delivery.mail]
    age = composition.delay - delivery.remaining
    return Step.model_validate(
        {"at": now, "what": what, "who": "network", "message": mail.name, "way": mail.way, "age": age}
    )


def _move_step(composition: Composition, now: int, what: str, move: Move) -> Step:
    _what, who, detail, rows, told, state = move.label
    sent = tuple(composition.medium.mails[mail].name for mail in move.sent)
    return Step.model_validate(
        {
            "at": now,
            "what": what,
            "who": who,
            "detail": str(detail),
            "rows": rows,
            "sent": sent,
            "told": told,
            "state": state,
        }
    )
