"""What holds for every test: how long Hypothesis may search, and how far.

``CI=true`` in the environment searches the same examples in each run, so that a red run is about the change
at hand; everywhere else each run tries new ones. No example has a deadline: the machine may have other work.
"""

import os

from hypothesis import settings

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
