"""A SIP proxy and registrar whose protocol logic is a set of formal state machines, each declared once.

Layers, from the top; imports point downwards only (checked with import-linter):

``cli`` the command line; ``server`` configuration in, running server out; ``proxy`` and ``registrar``, the
transaction users; ``transaction``, ``location``; ``transport``, ``resolver``; ``config``; ``counters``; and
the core that does no input or output: ``fsm``, the state machines, and ``message``, bytes to values and back.
"""

__version__ = "0.1.0.dev0"
