"""Deviations as something that others can use without sipfsm: a capture, a SIPp scenario and a test."""

from sipfsm.fuzz.artifacts.write import write_artifacts

__all__ = ["write_artifacts"]
