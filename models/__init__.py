"""The state machines, as data: one TOML file each, read with `importlib.resources.files("sipfsm.models")`.

This file holds no code. It is here because an editable installation finds a folder that is mapped into a
package only by its ``__init__.py``.
"""
