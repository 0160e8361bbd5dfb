"""The catalogue of `sipfsm conformance`: named cases, each with the rows and clauses that it is about."""

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.invite_server import CASES as INVITE_SERVER

CASES: tuple[Case, ...] = (*INVITE_SERVER,)
"""All cases, in the order in which they are reported."""

__all__ = ["CASES", "Case", "Part"]
