"""The catalogue of `sipfsm conformance`: named cases, each with the rows and clauses that it is about."""

from sipfsm.fuzz.catalogue import (
    cancel,
    client,
    invite_server,
    other_server,
    registrar,
    routing,
    user_agent,
    validation,
)
from sipfsm.fuzz.catalogue.case import Case, Part

CASES: tuple[Case, ...] = (
    *invite_server.CASES,
    *other_server.CASES,
    *client.CASES,
    *cancel.CASES,
    *routing.CASES,
    *validation.CASES,
    *registrar.CASES,
    *user_agent.CASES,
)
"""All cases, in the order in which they are reported."""

__all__ = ["CASES", "Case", "Part"]
