"""`python -m tests.torture`: send all messages, and write the page of the outcomes anew."""

from sipfsm.logs import configure_logging
from tests.torture.page import PAGE, observations, render

configure_logging("error")
PAGE.write_text(render(observations()))
