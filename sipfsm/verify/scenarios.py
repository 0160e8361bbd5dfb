"""The built-in scenarios: what `sipfsm verify` explores, and the findings that the documentation shows."""

from sipfsm.verify.scenario import Call, Callee, Caller, Fork, Network, Property, Role, Scenario

S1, S2, S3, S4, S5 = Property

_INVITE = {"method": "INVITE", "properties": (S1, S3, S4, S5)}
_OTHER = {"method": "OTHER", "properties": (S1, S2, S4, S5)}
_LOSSLESS = Network(reliable=True, losses=0, duplicates=0, reordering=False)

_CLIENT = Role(model="invite-client")
_SERVER = Role(model="invite-server")
_ANSWERS = ("2xx", "3xx-6xx")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="invite",
        title="INVITE over an unreliable transport",
        client=_CLIENT,
        server=_SERVER,
        caller=Caller(may_cancel=True),
        **_INVITE,
    ),
    Scenario(
        name="invite-reliable",
        title="INVITE over a reliable transport",
        client=_CLIENT,
        server=_SERVER,
        network=_LOSSLESS,
        caller=Caller(may_cancel=True),
        **_INVITE,
    ),
    Scenario(
        name="non-invite",
        title="A request that is no INVITE over an unreliable transport",
        client=Role(model="non-invite-client"),
        server=Role(model="non-invite-server"),
        callee=Callee(answers=_ANSWERS, at_last=("mute",)),
        **_OTHER,
    ),
    Scenario(
        name="non-invite-reliable",
        title="A request that is no INVITE over a reliable transport",
        client=Role(model="non-invite-client"),
        server=Role(model="non-invite-server"),
        network=_LOSSLESS,
        callee=Callee(answers=_ANSWERS, at_last=("mute",)),
        **_OTHER,
    ),
)
"""What must hold of two transactions."""

FORKS: tuple[Fork, ...] = (Fork(name="fork", title="A forking proxy between a caller and two servers"),)
"""What must hold of a proxy."""

CALLS: tuple[Call, ...] = (
    Call(
        name="call",
        title="A call that either side ends, before it is answered or later",
        caller_wishes=("CANCEL", "early BYE", "BYE"),
        callee_wishes=("BYE",),
    ),
    Call(
        name="call-re-invite",
        title="A call with a re-INVITE of each side",
        caller_wishes=("BYE", "re-INVITE"),
        callee_wishes=("BYE", "re-INVITE"),
    ),
    Call(
        name="call-late-offer",
        title="A call with an offer in its 2xx, and a re-INVITE",
        caller_wishes=("BYE", "re-INVITE"),
        callee_wishes=("BYE",),
        offer_in="2xx",
    ),
    Call(
        name="call-update",
        title="A call with an UPDATE and a re-INVITE, which may meet",
        caller_wishes=("UPDATE", "re-INVITE"),
        callee_wishes=("re-INVITE",),
    ),
    Call(
        name="call-refer",
        title="A call with a REFER of either side",
        caller_wishes=("BYE", "REFER"),
        callee_wishes=("BYE", "REFER"),
    ),
)
"""What must hold of the dialog between two user agents."""

_PERFECT = Network(losses=0, duplicates=0, delay=0)
_SWITCHED_OFF = Callee(answers=("1xx",), at_last=("abandon",))
# Every message can be lost, and a message can take as long as the RFC allows it to be on its way.
_ONE_WAY = Network(losses=None, duplicates=0, delay=10)
_AT_ONCE = Callee(answers=("2xx",), within=0, repeats_2xx=False)

FINDINGS: tuple[Scenario, ...] = (
    Scenario(
        name="ghost-call",
        title="The INVITE machines of RFC 3261 as first published",
        client=Role(model="rfc3261/invite-client"),
        server=Role(model="rfc3261/invite-server"),
        **_INVITE,
    ),
    Scenario(
        name="no-timer-c",
        title="A phone rings and is switched off; the caller waits for ever",
        client=_CLIENT,
        server=_SERVER,
        network=_PERFECT,
        caller=Caller(patience=None),
        callee=_SWITCHED_OFF,
        **_INVITE,
    ),
    Scenario(
        name="with-timer-c",
        title="The same with a caller that has Timer C",
        client=_CLIENT,
        server=_SERVER,
        network=_PERFECT,
        callee=_SWITCHED_OFF,
        **_INVITE,
    ),
    Scenario(
        name="short-timer-l",
        title="Every response is lost, and a copy of the INVITE comes late",
        client=_CLIENT,
        server=_SERVER,
        network=_ONE_WAY,
        callee=_AT_ONCE,
        method="INVITE",
        properties=(S1, S4, S5),
    ),
    Scenario(
        name="longer-timer-l",
        title="The same with a Timer L of 64*T1+T4",
        client=_CLIENT,
        server=Role(model="invite-server", delays={"L": "64*T1+T4"}),
        network=_ONE_WAY,
        callee=_AT_ONCE,
        method="INVITE",
        properties=(S1, S4, S5),
    ),
    Scenario(
        name="short-timer-j",
        title="Every response is lost, and a copy of the request comes late",
        client=Role(model="non-invite-client"),
        server=Role(model="non-invite-server"),
        network=_ONE_WAY,
        callee=_AT_ONCE,
        **_OTHER,
    ),
    Scenario(
        name="longer-timer-j",
        title="The same with a Timer J of 64*T1+T4",
        client=Role(model="non-invite-client"),
        server=Role(model="non-invite-server", delays={"J": "64*T1+T4"}),
        network=_ONE_WAY,
        callee=_AT_ONCE,
        **_OTHER,
    ),
    Scenario(
        name="abandoned",
        title="A transaction user that ends its transaction without an answer",
        client=Role(model="non-invite-client"),
        server=Role(model="non-invite-server"),
        callee=Callee(answers=(), at_last=("abandon",)),
        **_OTHER,
    ),
)
"""What the documentation shows: some of these break a property, and are to."""

CALL_FINDINGS: tuple[Call, ...] = (
    Call(
        name="call-hasty-bye",
        title="A call whose callee hangs up without waiting for the ACK",
        callee_wishes=("BYE",),
        waits_for_ack=False,
    ),
)
"""The same of dialogs."""
