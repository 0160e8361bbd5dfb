"""The proxy core (:rfc:`3261#section-16`).

`validation` and `routing` look at a request that came in, `targets` and `relay` (with its `secret`) say where
it may go, and `loops` whether it has been here before; `forwarding` makes what goes out, `context` and
`branch` run the machines that wait for the answers, and `best` chooses among them. `proxy` holds them
together.
"""

from sipfsm.proxy.domains import ServedDomains
from sipfsm.proxy.proxy import Proxy
from sipfsm.proxy.relay import RelayPolicy, flow_label
from sipfsm.proxy.secret import SECRET_BYTES, SecretError, kept_secret
from sipfsm.proxy.targets import TargetFinder

__all__ = [
    "SECRET_BYTES",
    "Proxy",
    "RelayPolicy",
    "SecretError",
    "ServedDomains",
    "TargetFinder",
    "flow_label",
    "kept_secret",
]
