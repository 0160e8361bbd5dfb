"""A run that was made up: one case of each outcome."""

from __future__ import annotations

from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.setting import Setting
from sipfsm.fuzz.verdict import Claim, Expectation, Judgement, Outcome, Verdict

RULE = Rule("IST-08", "RFC 3261 17.2.1", Level.SHOULD, "the last response comes again")
EXPECTATION = Expectation("caller", Claim.ARRIVES, Pattern("INVITE", (486, 486)), 3, 0.3, 1)
BROKEN = Judgement(RULE, Outcome.DEVIATES, "in Completed, <nothing> | came\x07", 0.7, EXPECTATION)
KEPT = Judgement(RULE, Outcome.CONFORMANT, "in Completed, it came again", 0.2)

RESULT = Result(
    "sip:127.0.0.1:5060",
    Setting(registrar=True, proxy=True, uas=False, options=True),
    [
        Verdict(
            "first", "It comes again", Outcome.DEVIATES, Level.SHOULD, "", (BROKEN,), ("IST-08",), 1.5, 0.01
        ),
        Verdict("second", "It comes again", Outcome.CONFORMANT, Level.NONE, "", (KEPT,), ("IST-08",), 1.0),
        Verdict("third", "Nobody knows", Outcome.NOT_OBSERVABLE, Level.NONE, "silence", (), (), 0.0),
    ],
    seconds=2.5,
    address="127.0.0.1:5060",
)
LOST = Result("sip:127.0.0.1:5060", lost="nobody is there")
