"""The configuration: what it may say, where it comes from, and what is wrong with it.

`load_settings` reads a TOML file, the environment and the command line, in rising order of precedence, and
returns `Settings`, which hold only what makes sense, or raises `ConfigError`, which names every fault found.
"""

from sipfsm.config.addresses import ListenAddress, host_of
from sipfsm.config.settings import (
    LimitSettings,
    RegistrarSettings,
    Settings,
    default_location_path,
    served_domains,
)
from sipfsm.config.sources import ConfigError, load_settings

__all__ = [
    "ConfigError",
    "LimitSettings",
    "ListenAddress",
    "RegistrarSettings",
    "Settings",
    "default_location_path",
    "host_of",
    "load_settings",
    "served_domains",
]
