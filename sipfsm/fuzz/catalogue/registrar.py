"""A registrar (:rfc:`3261#section-10.3`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.messages import register
from sipfsm.fuzz.pattern import Pattern, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Receive, Send, Step

WHO = ("callee",)
_MUST = Level.MUST


def _rule(name: str, clause: str, text: str, level: Level = _MUST) -> Rule:
    return Rule(name, f"RFC 3261 10.3 {clause}", level, text)


def _ok(rule: Rule | None = None, *fields: tuple[str, str], absent: tuple[str, ...] = ()) -> Receive:
    pattern = Pattern("REGISTER", (200, 299), fields, absent)
    return Receive("callee", pattern, within="2", rule=rule)


BOUND: tuple[Step, ...] = (Send("callee", register()), _ok())


def _next(number: int, **details: str | None) -> Send:
    branch = f"{{branch_register{number}}}"
    return Send("callee", register(number=number, branch=branch, **details))  # type: ignore[arg-type]


CASES = (
    Case(
        "register",
        "A REGISTER is answered with 200, which lists the binding and its expires",
        Part.REGISTRAR,
        (
            Send("callee", register()),
            _ok(
                _rule("register-listed", "step 8", "the 200 lists all bindings, each with expires"),
                ("Contact", "callee@.*;expires=[0-9]"),
            ),
        ),
        ("NIST-05",),
        WHO,
    ),
    Case(
        "register-query",
        "A REGISTER without Contact changes nothing and is told the bindings",
        Part.REGISTRAR,
        (
            *BOUND,
            _next(2, contact=None),
            _ok(
                _rule("register-query", "steps 6 and 8", "a query gets all bindings"), ("Contact", "callee@")
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-refresh",
        "A higher CSeq updates the binding, and there is still one of it",
        Part.REGISTRAR,
        (
            *BOUND,
            _next(2, expires="1200"),
            _ok(
                _rule("register-refresh", "step 7", "a higher CSeq updates the binding"),
                ("Contact", "^[^,]*callee@[^,]*;expires=[0-9]+[^,]*$"),
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-remove",
        "Expires: 0 removes the binding",
        Part.REGISTRAR,
        (
            *BOUND,
            _next(2, expires="0"),
            _ok(
                _rule("register-remove", "step 7", "an expiration of 0 removes the binding"),
                absent=("Contact",),
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-star",
        "Contact: * with Expires: 0 removes all bindings",
        Part.REGISTRAR,
        (
            *BOUND,
            _next(2, contact="*", expires="0"),
            _ok(_rule("register-star", "step 6", "the star removes all bindings"), absent=("Contact",)),
        ),
        (),
        WHO,
    ),
    Case(
        "register-star-expires",
        "Contact: * with another Expires is refused with 400",
        Part.REGISTRAR,
        (
            Send("callee", register(contact="*", expires="600")),
            Receive(
                "callee",
                response(400),
                within="2",
                rule=_rule("register-star-expires", "step 6", "the star with an Expires above 0 gets a 400"),
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-out-of-order",
        "A CSeq that is not higher does not change the binding",
        Part.REGISTRAR,
        (
            Send("callee", register(number=5)),
            _ok(),
            _next(3, expires="0"),
            Receive(
                "callee",
                response(400, 699),
                within="2",
                rule=_rule("register-out-of-order", "step 7", "a lower CSeq with the same Call-ID fails"),
            ),
            _next(6, contact=None),
            _ok(
                _rule("register-unchanged", "step 7", "a failed update changes nothing"),
                ("Contact", "callee@"),
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-require",
        "An unknown option tag in Require is refused with 420, and named in Unsupported",
        Part.REGISTRAR,
        (
            Send("callee", register(fields=["Require: foo"])),
            Receive(
                "callee",
                response(420, fields=(("Unsupported", "foo"),)),
                within="2",
                rule=_rule(
                    "register-require", "step 2", "an unknown tag in Require gets a 420 with Unsupported"
                ),
            ),
        ),
        (),
        WHO,
    ),
    Case(
        "register-two-contacts",
        "Two contacts in one REGISTER are both bound",
        Part.REGISTRAR,
        (
            Send("callee", register(contact="<{callee_uri}>;expires=300, <sip:second@{callee}>;expires=200")),
            _ok(
                _rule("register-two-contacts", "step 7", "each contact address is bound"),
                ("Contact", "callee@"),
                ("Contact", "second@"),
            ),
        ),
        (),
        WHO,
    ),
)
