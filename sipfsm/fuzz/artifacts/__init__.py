"""Deviations as something that others can use without sipfsm."""
