"""The registrar: REGISTER in, bindings in the location service, response out (:rfc:`3261#section-10`)."""

from sipfsm.registrar.policy import ExpiryPolicy
from sipfsm.registrar.registrar import Guard, Registrar

__all__ = ["ExpiryPolicy", "Guard", "Registrar"]
