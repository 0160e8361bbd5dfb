"""The section of a machine's page that says what is verified of it."""

from sipfsm.cli.properties import verified
from sipfsm.fsm import load_model, model_names
from sipfsm.verify.single import check_machine
from tests.unit.statechart.samples import sample_model


def test_the_page_of_every_machine_says_what_its_checks_say() -> None:
    for name in model_names():
        heading, lines = verified(load_model(name))
        assert heading == "Verified properties"
        for check in check_machine(load_model(name)).checks:
            assert any(line.startswith(f"| {check.name} | yes |") for line in lines)


def test_the_compositions_of_a_machine_are_named_with_their_commands() -> None:
    text = "\n".join(verified(load_model("invite-server"))[1])
    assert "| S1, S3, S4, S5 | `sipfsm verify --scenario invite` |" in text
    assert "- S3: every non-2xx final response" in text
    assert "- S2: " not in text


def test_a_machine_of_ones_own_is_in_no_composition_though_it_has_the_name_of_one_that_is() -> None:
    own = sample_model(('"sample"', '"invite-server"'))
    assert "composition" not in "\n".join(verified(own)[1])


def test_what_does_not_hold_is_told() -> None:
    runs_on = (
        ('on_exit  = ["stop_E", "stop_F"]\n', ""),
        ("transitions = [", """transitions = [
  { id = "SMP-07", source = "Busy", trigger = "ack", dest = "Calm", rfc = "gap" },
  { id = "SMP-08", source = "Calm", trigger = "tu_2xx", dest = "Gone", rfc = "gap" },"""),
    )  # fmt: skip
    lines = verified(sample_model(*runs_on))[1]
    assert any(line.startswith("| complete | **no** |") for line in lines)
    assert "- complete: state Calm: timer E runs here, but no row waits for it" in lines
