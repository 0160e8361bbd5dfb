"""Locating servers: from the URI of a next hop to addresses (:rfc:`3263`)."""

from sipfsm.resolver.resolver import Resolver

__all__ = ["Resolver"]
