"""The rules of a registrar, typed from RFC 3261 section 10 in its order, and from RFCs that extend it."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio
import trio.testing

from sipfsm.location import LocationLimits, MemoryLocation
from sipfsm.location.sql import SqlLocation
from sipfsm.message import Request, Response, check_untrusted, make_response, parse_message_untrusted
from sipfsm.registrar import Guard, Registrar

START = 1_289_690_940.0  # Sat, 13 Nov 2010 23:29:00 GMT
HOUR = 3600


class Bench:
    """A registrar for example.com and example.org with a clock to turn by hand."""

    def __init__(
        self,
        *,
        users: frozenset[str] | None = None,
        min_expires: int = 60,
        default_expires: int = 1800,
        max_expires: int = 7200,
        path_needs_support: bool = True,
        guard: Guard | None = None,
        limits: LocationLimits | None = None,
        location: SqlLocation | None = None,
    ) -> None:
        self.now = START
        self.location = location or MemoryLocation(clock=self.clock, limits=limits)
        self.registrar = Registrar(
            self.location,
            domains=["Example.com", "example.org", "[2001:db8::1]"],
            users=users,
            min_expires=min_expires,
            default_expires=default_expires,
            max_expires=max_expires,
            path_needs_support=path_needs_support,
            guard=guard,
            clock=self.clock,
        )
        self.cseq = 0

    def clock(self) -> float:
        return self.now

    def send(self, *fields: str, cseq: int | None = None, **parts: str) -> Response:
        """Send a REGISTER with these fields besides the usual ones; the next CSeq unless one is given."""
        if cseq is None:
            self.cseq += 1
        request = register(*fields, cseq=self.cseq if cseq is None else cseq, **parts)
        return trio.run(self.registrar.answer, request, "udp:192.0.2.7:5060")

    async def sending(self, *fields: str, cseq: int = 1) -> Response:
        """Send one from within Trio."""
        return await self.registrar.answer(register(*fields, cseq=cseq))

    def contacts(self, to: str = "<sip:bob@example.com>") -> list[str]:
        """Fetch the bindings."""
        response = self.send(to=to, cseq=1)
        assert response.status == 200
        return contacts(response)


def register(
    *fields: str,
    method: str = "REGISTER",
    uri: str = "sip:example.com",
    to: str = "<sip:bob@example.com>",
    call_id: str = "c1@phone",
    cseq: int = 1,
    body: str = "",
) -> Request:
    lines = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1",
        "Max-Forwards: 70",
        f"To: {to}",
        "From: <sip:bob@example.com>;tag=1",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *fields,
        f"Content-Length: {len(body)}",
        "",
        body,
    ]
    request = parse_message_untrusted("\r\n".join(lines).encode())
    check_untrusted(request)
    assert isinstance(request, Request)
    return request


def contacts(response: Response) -> list[str]:
    return [value.decode() for value in response.headers.lines(b"contact")]


def field(response: Response, name: bytes) -> str | None:
    value = response.headers.first(name)
    return None if value is None else value.decode()


# ---- 8.2.1 Method Inspection, 10.3: "it accepts only REGISTER requests" ----


def test_another_method_is_405_with_allow() -> None:
    response = Bench().send(method="OPTIONS")
    assert response.status == 405
    assert field(response, b"allow") == "REGISTER"


# ---- 10.3 step 1: the domain in the Request-URI ----


@pytest.mark.parametrize(
    "uri", ["sip:example.com", "sip:EXAMPLE.com:5070;transport=udp", "sip:[2001:DB8:0::1]"]
)
def test_step_1_a_request_for_one_of_its_domains_is_processed(uri: str) -> None:
    assert Bench().send(uri=uri).status == 200


def test_step_1_a_request_for_another_domain_is_not_for_this_registrar() -> None:
    assert Bench().send("Contact: <sip:bob@192.0.2.7>", uri="sip:example.net").status == 404


def test_a_request_uri_of_an_unsupported_scheme_is_416() -> None:
    """8.2.2.1: the scheme of the Request-URI."""
    assert Bench().send(uri="tel:+12125551212").status == 416


# ---- 10.3 step 2: Require, as in 8.2.2.3 ----


def test_step_2_require_of_something_unknown_is_420_with_unsupported() -> None:
    response = Bench().send("Require: foo, path", "Require: bar", "Contact: <sip:bob@192.0.2.7>")
    assert response.status == 420
    assert field(response, b"unsupported") == "foo, bar"


def test_step_2_precedes_the_later_steps() -> None:
    assert Bench().send("Require: foo", to="<sip:bob@example.net>").status == 420


def test_step_2_require_path_is_understood() -> None:
    assert Bench().send("Require: path", "Supported: path").status == 200


def test_proxy_require_is_for_proxies() -> None:
    """20.29: Proxy-Require names features that the proxy must support."""
    assert Bench().send("Proxy-Require: foo").status == 200


# ---- 8.2.3 Content Processing ----


def test_a_body_that_is_not_understood_is_415_with_accept() -> None:
    response = Bench().send("Content-Type: text/plain", body="hello")
    assert response.status == 415
    assert b"accept" in response.headers


def test_an_encoded_body_is_415_with_accept_encoding() -> None:
    response = Bench().send("Content-Type: text/plain", "Content-Encoding: gzip", body="hello")
    assert response.status == 415
    assert field(response, b"accept-encoding") == "identity"


def test_an_optional_body_is_ignored() -> None:
    optional = "Content-Disposition: render; handling=OPTIONAL"
    assert Bench().send("Content-Type: text/plain", optional, body="hello").status == 200


# ---- 10.3 steps 3 and 4: authentication and authorization ----


def deny(status: int) -> Guard:
    def guard(request: Request) -> Response | None:
        return make_response(request, status) if request.to.uri.user == "mallory" else None  # type: ignore[union-attr]

    return guard


def test_steps_3_and_4_who_is_not_authorized_gets_the_guards_answer_and_changes_nothing() -> None:
    bench = Bench(guard=deny(403))
    contact = "Contact: <sip:m@192.0.2.7>"
    assert bench.send(contact, to="<sip:mallory@example.com>").status == 403
    assert bench.location.count().bindings == 0
    assert bench.send(contact).status == 200


def test_steps_3_and_4_precede_step_5_and_follow_step_2() -> None:
    bench = Bench(guard=deny(401))
    assert bench.send(to="<sip:mallory@example.net>").status == 401
    assert bench.send("Require: foo", to="<sip:mallory@example.net>").status == 420


# ---- 10.3 step 5: the address-of-record ----


def test_step_5_an_address_of_record_outside_of_the_domain_is_404() -> None:
    assert Bench().send("Contact: <sip:bob@192.0.2.7>", to="<sip:bob@example.net>").status == 404


def test_step_5_an_address_of_record_without_a_user_is_404() -> None:
    assert Bench().send("Contact: <sip:bob@192.0.2.7>", to="<sip:example.com>").status == 404


def test_step_5_a_user_who_does_not_exist_is_404() -> None:
    bench = Bench(users=frozenset({"bob", "carol@example.org"}))
    assert bench.send().status == 200
    assert bench.send(to="<sip:bob@example.org>").status == 200
    assert bench.send(to="<sip:alice@example.com>").status == 404
    assert bench.send(to="<sip:Bob@example.com>").status == 404
    assert bench.send(to="<sip:carol@example.org>").status == 200
    assert bench.send(to="<sip:carol@example.com>").status == 404


def test_step_5_an_address_of_record_must_be_a_sip_or_sips_uri() -> None:
    """10.2 To; RFC 4475 3.3.4 asks for 400."""
    assert Bench().send(to="<tel:+12125551212>").status == 400


@pytest.mark.parametrize(
    "same",
    [
        "<sip:b%6Fb@example.com>",
        "<sip:bob@EXAMPLE.COM>",
        "<sip:bob@example.com;transport=tcp;user=phone>",
        '"Bob" <sip:bob@example.com>;tag=1',
        "sip:bob@example.com",
        "<sip:bob@example.com:5060>",  # not in the RFC: the port tells where the domain's server is, not who
        "<sips:bob@example.com>",  # RFC 5630 5.2: identical except for the scheme are equivalent
    ],
)
def test_step_5_the_canonical_form_is_the_index(same: str) -> None:
    bench = Bench()
    bench.send("Contact: <sip:bob@192.0.2.7>", to=same)
    assert bench.contacts() == ["<sip:bob@192.0.2.7>;expires=1800"]


@pytest.mark.parametrize(
    "other", ["<sip:Bob@example.com>", "<sip:bob@example.org>", "<sip:bobby@example.com>"]
)
def test_step_5_other_addresses_of_record_are_others(other: str) -> None:
    bench = Bench()
    bench.send("Contact: <sip:bob@192.0.2.7>", to=other)
    assert bench.contacts() == []


# ---- 10.3 step 6: no Contact, and "*" ----


def test_step_6_without_contact_the_bindings_are_listed_and_left_alone() -> None:
    """10.2.3: Fetching Bindings."""
    bench = Bench()
    bench.send("Contact: <sip:a@192.0.2.7>", "Contact: <sip:b@192.0.2.7>")
    for expires in ("Expires: 0", "Expires: 5", "Subject: x"):
        # The same Call-ID and a low CSeq: nothing is updated, so there is no order to keep.
        response = bench.send(expires, cseq=1)
        assert response.status == 200
        assert len(contacts(response)) == 2


@pytest.mark.parametrize(
    "fields",
    [
        ["Contact: *"],  # no Expires
        ["Contact: *", "Expires: 1"],
        ["Contact: *", "Expires: 3600"],
        ["Contact: *, <sip:bob@192.0.2.7>", "Expires: 0"],
        ["Contact: <sip:bob@192.0.2.7>", "Contact: *", "Expires: 0"],
        ["Contact: *", "Contact: *", "Expires: 0"],
        ["Contact: *;expires=0"],
    ],
)
def test_step_6_star_with_other_contacts_or_another_expiration_is_400(fields: list[str]) -> None:
    bench = Bench()
    before = contacts(bench.send("Contact: <sip:bob@192.0.2.7>"))
    assert bench.send(*fields).status == 400
    assert bench.contacts() == before


def test_step_6_star_removes_the_bindings_of_every_call_id() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@192.0.2.7>", call_id="other@phone", cseq=900)
    bench.send("Contact: <sip:b@192.0.2.7>", cseq=7)
    response = bench.send("Contact: *", "Expires: 0", cseq=8)
    assert response.status == 200
    assert contacts(response) == []
    assert bench.contacts() == []


@pytest.mark.parametrize("cseq", [7, 6])
def test_step_6_star_out_of_order_removes_nothing_at_all(cseq: int) -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@192.0.2.7>", call_id="other@phone", cseq=1)
    before = contacts(bench.send("Contact: <sip:b@192.0.2.7>", cseq=7))
    assert bench.send("Contact: *", "Expires: 0", cseq=cseq).status == 500
    assert bench.contacts() == before


def test_step_6_star_where_nothing_is_bound_is_200() -> None:
    assert Bench().send("Contact: *", "Expires: 0").status == 200


# ---- 10.3 step 7: the expiration interval ----


@pytest.mark.parametrize(
    ("fields", "granted"),
    [
        (["Contact: <sip:bob@192.0.2.7>;expires=600", "Expires: 700"], 600),  # the parameter MUST be taken,
        (["Contact: <sip:bob@192.0.2.7>", "Expires: 700"], 700),  # then the header field,
        (["Contact: <sip:bob@192.0.2.7>"], 1800),  # then the configured default
        (["Contact: sip:bob@192.0.2.7;expires=600"], 600),  # 20.10: without < > it is a header parameter
        (["Contact: <sip:bob@192.0.2.7;expires=600>", "Expires: 700"], 700),  # within it belongs to the URI
        (["m: <sip:bob@192.0.2.7>;Expires=600"], 600),
        # 10.2: "Malformed values SHOULD be treated as equivalent to 3600"
        (["Contact: <sip:bob@192.0.2.7>;expires=soon", "Expires: 700"], 3600),
        (["Contact: <sip:bob@192.0.2.7>;expires", "Expires: 700"], 3600),
        (["Contact: <sip:bob@192.0.2.7>;expires=-1", "Expires: 700"], 3600),
        (['Contact: <sip:bob@192.0.2.7>;expires="600"'], 3600),
        # "MAY choose an expiration less than the requested"; values above 2**32-1 count as 2**32-1
        (["Contact: <sip:bob@192.0.2.7>;expires=7201"], 7200),
        (["Contact: <sip:bob@192.0.2.7>;expires=4294967295"], 7200),
        (["Contact: <sip:bob@192.0.2.7>;expires=280297596632815"], 7200),  # RFC 4475 3.1.2.4
        (["Contact: <sip:bob@192.0.2.7>", "Expires: 4294967295"], 7200),
    ],
)
def test_step_7_the_expiration_interval(fields: list[str], granted: int) -> None:
    (contact,) = contacts(Bench().send(*fields))
    assert contact.endswith(f";expires={granted}")


def test_step_7_each_contact_has_an_interval_of_its_own() -> None:
    response = Bench().send(
        "Contact: <sip:a@h>;expires=100, <sip:b@h>", "Contact: <sip:c@h>;expires=300", "Expires: 200"
    )
    assert contacts(response) == [
        "<sip:a@h>;expires=100",
        "<sip:b@h>;expires=200",
        "<sip:c@h>;expires=300",
    ]


@pytest.mark.parametrize(
    ("minimum", "requested", "status"),
    [
        (60, 0, 200),  # greater than zero ...
        (60, 1, 423),
        (60, 59, 423),
        (60, 60, 200),  # ... and less than the minimum
        (7000, 3599, 423),
        (7000, 3600, 200),  # ... and smaller than one hour
        (7000, 6999, 200),
    ],
)
def test_step_7_423_if_and_only_if_the_interval_is_too_brief(
    minimum: int, requested: int, status: int
) -> None:
    bench = Bench(min_expires=minimum, default_expires=7000)
    for fields in (
        [f"Contact: <sip:bob@192.0.2.7>;expires={requested}"],
        ["Contact: <sip:bob@192.0.2.7>", f"Expires: {requested}"],
    ):
        response = bench.send(*fields)
        assert response.status == status
        assert field(response, b"min-expires") == (str(minimum) if status == 423 else None)


def test_step_7_one_interval_too_brief_fails_the_whole_request() -> None:
    bench = Bench()
    response = bench.send("Contact: <sip:a@h>, <sip:b@h>;expires=5")
    assert response.status == 423
    assert contacts(response) == []
    assert bench.contacts() == []


def test_the_interval_counts_from_the_receipt_of_the_request() -> None:
    """20.19: "measured from the receipt of the request"; here authentication takes a while."""
    bench = Bench()

    def slow(_request: Request) -> None:
        bench.now += 10

    bench = Bench(guard=slow)
    assert contacts(bench.send("Contact: <sip:a@h>;expires=100")) == ["<sip:a@h>;expires=90"]


# ---- 10.3 step 7: adding, updating and removing ----


def test_step_7_bindings_are_added() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>")
    response = bench.send("Contact: <sip:b@h>")
    assert contacts(response) == ["<sip:a@h>;expires=1800", "<sip:b@h>;expires=1800"]


def test_step_7_any_uri_scheme_can_be_a_contact() -> None:
    """10.2.1: "they MAY use any URI scheme"."""
    wanted = ["<tel:+12125551212>", "<mailto:carol@chicago.com>", "<sip:a@h>"]
    response = Bench().send(*(f"Contact: {value}" for value in wanted))
    assert contacts(response) == [f"{value};expires=1800" for value in wanted]


def test_step_7_an_existing_binding_is_updated() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>;q=0.5;expires=100")
    bench.now += 50
    assert contacts(bench.send("Contact: <sip:a@h>;q=0.25;expires=200")) == ["<sip:a@h>;q=0.25;expires=200"]


def test_step_7_an_interval_of_zero_removes() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>, <sip:b@h>")
    assert contacts(bench.send("Contact: <sip:a@h>;expires=0")) == ["<sip:b@h>;expires=1800"]
    assert contacts(bench.send("Contact: <sip:b@h>", "Expires: 0")) == []


def test_step_7_removing_what_is_not_there_is_200() -> None:
    response = Bench().send("Contact: <sip:a@h>;expires=0")
    assert response.status == 200
    assert contacts(response) == []


def test_step_7_removal_from_another_call_id_needs_no_order() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>", call_id="before@phone", cseq=100)
    assert contacts(bench.send("Contact: <sip:a@h>;expires=0", call_id="after@phone", cseq=1)) == []


def test_step_7_a_new_call_id_overrides_whatever_its_cseq() -> None:
    """A phone that was restarted begins again with CSeq 1."""
    bench = Bench()
    bench.send("Contact: <sip:a@h>", call_id="before@phone", cseq=100)
    response = bench.send("Contact: <sip:a@h>;expires=77", call_id="after@phone", cseq=1)
    assert contacts(response) == ["<sip:a@h>;expires=77"]
    # "Each binding record records the Call-ID and CSeq values from the request."
    assert bench.send("Contact: <sip:a@h>", call_id="after@phone", cseq=1).status == 500
    assert bench.send("Contact: <sip:a@h>", call_id="before@phone", cseq=100).status == 200


@pytest.mark.parametrize("cseq", [10, 9])
@pytest.mark.parametrize("expires", [0, 600])
def test_step_7_a_cseq_that_is_not_higher_fails_the_request(cseq: int, expires: int) -> None:
    bench = Bench()
    before = contacts(bench.send("Contact: <sip:a@h>", cseq=10))
    response = bench.send(f"Contact: <sip:a@h>;expires={expires}", cseq=cseq)
    assert response.status == 500
    assert contacts(response) == []
    assert bench.contacts() == before


def test_step_7_a_higher_cseq_passes_however_much_higher() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>", cseq=1)
    assert bench.send("Contact: <sip:a@h>", cseq=2**31 - 1).status == 200


def test_step_7_one_contact_out_of_order_fails_the_whole_request() -> None:
    """Atomic: "a particular REGISTER request is either processed completely or not at all"."""
    bench = Bench()
    bench.send("Contact: <sip:a@h>", cseq=5)
    bench.send("Contact: <sip:b@h>", cseq=20)
    before = bench.contacts()
    fields = ["Contact: <sip:new@h>, <sip:a@h>;expires=0, <sip:b@h>"]
    assert bench.send(*fields, cseq=10).status == 500
    assert bench.contacts() == before
    assert bench.send(*fields, cseq=21).status == 200


def test_step_7_order_matters_for_the_bindings_that_the_request_touches_only() -> None:
    bench = Bench()
    bench.send("Contact: <sip:b@h>", cseq=20)
    assert bench.send("Contact: <sip:a@h>", cseq=10).status == 200


def test_registrations_are_independent_of_the_other_addresses_of_record() -> None:
    """Each REGISTER is processed independently; the same Call-ID is used for several users of one phone."""
    bench = Bench()
    bench.send("Contact: <sip:a@h>", cseq=20)
    assert bench.send("Contact: <sip:a@h>", cseq=10, to="<sip:carol@example.com>").status == 200


# ---- 10.3 step 7: contacts are compared by the rules of 19.1.4 ----


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_step_7_equivalent_contacts_are_one_binding(one: str, other: str) -> None:
    bench = Bench()
    bench.send(f"Contact: <{one}>")
    assert contacts(bench.send(f"Contact: <{other}>;expires=99")) == [f"<{other}>;expires=99"]
    assert contacts(bench.send(f"Contact: <{one}>;expires=0")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:carol@chicago.com", "tel:+1"),
    ],
)
def test_step_7_contacts_that_differ_are_two_bindings(one: str, other: str) -> None:
    bench = Bench()
    bench.send(f"Contact: <{one}>")
    assert contacts(bench.send(f"Contact: <{other}>")) == [f"<{one}>;expires=1800", f"<{other}>;expires=1800"]


def test_step_7_a_contact_equivalent_to_two_bindings_replaces_both() -> None:
    """19.1.4: "equality is not transitive"."""
    bench = Bench()
    bench.send("Contact: <sip:carol@h;security=on>, <sip:carol@h;security=off>")
    assert contacts(bench.send("Contact: <sip:carol@h>")) == ["<sip:carol@h>;expires=1800"]


def test_step_7_contacts_are_processed_in_turn() -> None:
    bench = Bench()
    response = bench.send("Contact: <sip:a@h>;expires=100, <sip:A@H>, <sip:a@H>;expires=200")
    assert contacts(response) == ["<sip:a@H>;expires=200", "<sip:A@H>;expires=1800"]
    assert contacts(bench.send("Contact: <sip:a@h>, <sip:a@h>;expires=0")) == ["<sip:A@H>;expires=1800"]


# ---- 10.3 step 7: "if and only if all binding updates and additions succeed" ----


def test_step_7_a_failing_commit_is_500_and_nothing_is_visible(tmp_path: Path) -> None:
    path = tmp_path / "location.db"

    async def with_location(use: Callable[[Bench], Awaitable[None]]) -> None:
        async with trio.open_nursery() as nursery:
            location = SqlLocation(path, clock=lambda: START)
            await nursery.start(location.run)
            await use(Bench(location=location))
            nursery.cancel_scope.cancel()

    async def register_once(bench: Bench) -> None:
        assert (await bench.sending("Contact: <sip:a@h>", cseq=1)).status == 200

    async def register_in_vain(bench: Bench) -> None:
        response = await bench.sending("Contact: <sip:a@h>;expires=0, <sip:b@h>", cseq=2)
        assert response.status == 500
        assert contacts(await bench.sending()) == ["<sip:a@h>;expires=1800"]
        assert (await bench.sending("Contact: <sip:a@h>;expires=0", cseq=2)).status == 200

    trio.run(with_location, register_once)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON binding BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    trio.run(with_location, register_in_vain)


def test_step_8_the_200_is_not_sent_before_the_commit(tmp_path: Path) -> None:
    """What a 200 (OK) listed is there after a restart."""
    path = tmp_path / "location.db"

    async def main() -> None:
        for cseq in (1, 2):
            async with trio.open_nursery() as nursery:
                location = SqlLocation(path, clock=lambda: START)
                await nursery.start(location.run)
                bench = Bench(location=location)
                assert len(contacts(await bench.sending())) == cseq - 1
                response = await bench.sending(f"Contact: <sip:phone{cseq}@h>", cseq=cseq)
                assert len(contacts(response)) == cseq
                nursery.cancel_scope.cancel()

    trio.run(main)


# ---- 10.3 step 8: the 200 (OK) ----


def test_step_8_all_current_bindings_are_listed_with_what_remains_of_them() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>;expires=100", call_id="a@phone")
    bench.now += 30.5
    bench.send("Contact: <sip:b@h>;expires=100", call_id="b@phone")
    bench.now += 60
    response = bench.send("Contact: <sip:c@h>;expires=100", call_id="c@phone")
    assert response.status == 200
    assert response.reason == "OK"
    assert contacts(response) == ["<sip:a@h>;expires=10", "<sip:b@h>;expires=40", "<sip:c@h>;expires=100"]


def test_step_8_what_has_expired_is_not_listed() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>;expires=100")
    bench.now += 99.9
    assert bench.contacts() == ["<sip:a@h>;expires=1"]
    bench.now += 0.1
    assert bench.contacts() == []


def test_step_8_date_is_present() -> None:
    """20.17: an RFC 1123 date in GMT."""
    assert field(Bench().send(), b"date") == "Sat, 13 Nov 2010 23:29:00 GMT"


@pytest.mark.parametrize(
    ("q", "listed"),
    [("", ""), (";q=1.000", ""), (";q=0.7", ";q=0.7"), (";Q=0.125", ";q=0.125"), (";q=0", ";q=0")],
)
def test_step_8_q_is_listed(q: str, listed: str) -> None:
    """10.2.1.2; without q a contact has the highest preference."""
    assert contacts(Bench().send(f"Contact: <sip:a@h>{q}")) == [f"<sip:a@h>{listed};expires=1800"]


def test_step_8_the_preferred_contact_comes_first() -> None:
    response = Bench().send("Contact: <sip:a@h>;q=0.1, <sip:b@h>;q=0.9", "Contact: <sip:c@h>")
    assert [contact[1:8] for contact in contacts(response)] == ["sip:c@h", "sip:b@h", "sip:a@h"]


@pytest.mark.parametrize("q", ["1.1", "2", "0.1234", "-0.5", "much", ""])
def test_a_malformed_q_is_400(q: str) -> None:
    assert Bench().send(f"Contact: <sip:a@h>;q={q}").status == 400


def test_step_8_a_contact_parameter_stays_one() -> None:
    """RFC 4475 3.3.12: unknownparam must not appear as a url-parameter."""
    response = Bench().send("Contact: sip:+19725552222@gw1.example.net;unknownparam")
    assert contacts(response) == ["<sip:+19725552222@gw1.example.net>;unknownparam;expires=1800"]


def test_step_8_a_uri_parameter_stays_one() -> None:
    """RFC 4475 3.3.13."""
    bench = Bench()
    bench.send("Contact: <sip:+19725552222@gw1.example.net;unknownparam>")
    assert bench.contacts() == ["<sip:+19725552222@gw1.example.net;unknownparam>;expires=1800"]


def test_step_8_an_escaped_header_of_a_contact_stays() -> None:
    """RFC 4475 3.3.14."""
    bench = Bench()
    bench.send("M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>")
    assert bench.contacts() == ["<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=1800"]


def test_a_contact_with_an_escaped_header_outside_of_angle_brackets_is_400() -> None:
    """RFC 4475 3.1.2.13."""
    assert Bench().send("Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E").status == 400


@pytest.mark.parametrize("contact", ["<sip:>", "<>", "None", "<sip:%@h>", "<sip:a@h:0>", "<sip:a@h", ""])
def test_a_malformed_contact_is_400_and_changes_nothing(contact: str) -> None:
    bench = Bench()
    assert bench.send("Contact: <sip:good@h>", f"Contact: {contact}").status == 400
    assert bench.contacts() == []


def test_a_contact_without_a_uri_scheme_is_400() -> None:
    assert Bench().send("Contact: <bob@192.0.2.7>").status == 400


# ---- 10.3: general ----


def test_record_route_is_ignored_and_not_sent() -> None:
    response = Bench().send("Record-Route: <sip:p1.example.com;lr>", "Contact: <sip:a@h>")
    assert response.status == 200
    assert b"record-route" not in response.headers


def test_requests_are_processed_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    """Also when they have to wait for the disk together."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            location = SqlLocation(tmp_path / "location.db", clock=lambda: START)
            await nursery.start(location.run)
            bench = Bench(location=location)
            responses: list[Response] = []

            async def arrive(request: Request) -> None:
                responses.append(await bench.registrar.answer(request))

            async with trio.open_nursery() as requests:
                for cseq in range(1, 11):
                    requests.start_soon(
                        arrive, register(f"Contact: <sip:a@h>;expires={100 + cseq}", cseq=cseq)
                    )
                    await trio.testing.wait_all_tasks_blocked()
            assert [response.status for response in responses] == [200] * 10
            assert contacts(await bench.sending()) == ["<sip:a@h>;expires=110"]
            nursery.cancel_scope.cancel()

    trio.run(main)


# ---- limits ----


def test_more_bindings_than_an_address_of_record_may_have_are_403() -> None:
    bench = Bench(limits=LocationLimits(bindings_per_aor=2))
    before = contacts(bench.send("Contact: <sip:a@h>, <sip:b@h>"))
    response = bench.send("Contact: <sip:c@h>")
    assert (response.status, response.reason) == (403, "Too Many Bindings")
    assert bench.contacts() == before
    assert bench.send("Contact: <sip:c@h>, <sip:a@h>;expires=0").status == 200


def test_a_binding_that_is_too_large_is_403() -> None:
    bench = Bench(limits=LocationLimits(binding_bytes=100))
    assert bench.send(f"Contact: <sip:{'a' * 100}@h>").status == 403


def test_a_full_location_service_is_500_with_retry_after() -> None:
    bench = Bench(limits=LocationLimits(aors=1))
    bench.send("Contact: <sip:a@h>")
    response = bench.send("Contact: <sip:a@h>", to="<sip:carol@example.com>")
    assert response.status == 500
    assert int(field(response, b"retry-after") or 0) > 0


def test_a_location_service_that_does_not_run_is_503_with_retry_after(tmp_path: Path) -> None:
    bench = Bench(location=SqlLocation(tmp_path / "location.db"))
    response = bench.send("Contact: <sip:a@h>")
    assert response.status == 503
    assert int(field(response, b"retry-after") or 0) > 0


def test_a_request_with_very_many_contacts_is_403() -> None:
    bench = Bench()
    assert (
        bench.send("Contact: " + ", ".join(f"<sip:{number}@h>;expires=0" for number in range(33))).status
        == 403
    )
    assert bench.send(f'Contact: "{"," * 40}" <sip:a@h>').status == 200


# ---- RFC 3327: Path ----

PATH = "<sip:P3.EXAMPLEHOME.COM;lr>,<sip:P1.EXAMPLEVISITED.COM;lr>"


def test_path_is_stored_with_the_binding_and_copied_into_the_200() -> None:
    """RFC 3327 5.3, 5.5.1."""
    bench = Bench()
    response = bench.send("Contact: <sip:UA1@192.0.2.4>", "Supported: path", f"Path: {PATH}")
    assert response.status == 200
    assert [value.decode() for value in response.headers.lines(b"path")] == [PATH]
    (binding,) = bench.location.bindings("sip:bob@example.com")
    assert b",".join(binding.path).decode() == PATH
    assert binding.received == "udp:192.0.2.7:5060"


def test_the_path_vector_keeps_its_order_over_several_fields() -> None:
    bench = Bench()
    bench.send(
        "Contact: <sip:UA1@192.0.2.4>",
        "Supported: path",
        "Path: <sip:p3;lr>, <sip:p2;lr>",
        "Path: <sip:p1;lr>",
    )
    (binding,) = bench.location.bindings("sip:bob@example.com")
    assert binding.path == (b"<sip:p3;lr>", b"<sip:p2;lr>", b"<sip:p1;lr>")


def test_each_binding_has_a_path_of_its_own_and_a_refresh_replaces_it() -> None:
    bench = Bench()
    bench.send("Contact: <sip:a@h>", "Supported: path", "Path: <sip:p1;lr>")
    response = bench.send("Contact: <sip:b@h>", "Supported: path")
    assert b"path" not in response.headers
    bench.send("Contact: <sip:a@h>", "Supported: path", "Path: <sip:p2;lr>")
    bindings = bench.location.bindings("sip:bob@example.com")
    assert [binding.path for binding in bindings] == [(b"<sip:p2;lr>",), ()]


def test_path_without_support_of_the_client_is_420_with_unsupported_path() -> None:
    """RFC 3327 5.3: the recommended policy."""
    bench = Bench()
    response = bench.send("Contact: <sip:a@h>", "Path: <sip:p1;lr>", "Supported: timer")
    assert response.status == 420
    assert field(response, b"unsupported") == "path"
    assert bench.contacts() == []


def test_path_without_support_of_the_client_can_be_accepted() -> None:
    """RFC 3327 5.3: "some registrars MAY choose to support the extension in the absence" of Supported."""
    bench = Bench(path_needs_support=False)
    assert bench.send("Contact: <sip:a@h>", "Path: <sip:p1;lr>").status == 200


@pytest.mark.parametrize("path", ["sip:p1", "<sip:p1;lr", "<>", "<sip:>"])
def test_a_malformed_path_is_400(path: str) -> None:
    assert Bench().send("Contact: <sip:a@h>", "Supported: path", f"Path: {path}").status == 400


# ---- RFC 5630: SIPS ----


@pytest.mark.parametrize(
    ("uri", "path", "status"),
    [
        ("sips:example.com", "<sips:p1;lr>", 200),
        ("sip:example.com", "<sips:p1;lr>", 400),
        ("sips:example.com", "<sip:p1;lr>", 400),
        ("sips:example.com", "<sips:p1;lr>, <sip:p2;lr>", 400),
    ],
)
def test_a_sips_contact_needs_sips_all_the_way(uri: str, path: str, status: int) -> None:
    """RFC 5630 5.2: Request-URI, Contact and Path; To and From do not matter."""
    fields = ["Contact: <sips:bob@192.0.2.7>", "Supported: path", f"Path: {path}"]
    bench = Bench()
    assert bench.send(*fields, uri=uri).status == status
    assert bench.send(*fields, "Expires: 0", uri=uri).status == 200  # removing binds nothing to anything


# ---- configuration ----


@pytest.mark.parametrize(
    ("minimum", "default", "maximum"),
    [(0, 10, 20), (30, 10, 20), (10, 30, 20), (1, 2, 2**32), (60, 3600, 600)],
)
def test_intervals_that_contradict_each_other_are_refused(minimum: int, default: int, maximum: int) -> None:
    with pytest.raises(ValueError, match="minimum <= default <= maximum"):
        Bench(min_expires=minimum, default_expires=default, max_expires=maximum)


def test_a_registrar_without_a_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one domain"):
        Registrar(MemoryLocation(), domains=[])
