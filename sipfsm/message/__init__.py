"""SIP messages: bytes to values and back, without input, output or a clock.

`parse_message_untrusted` finds the start line and where the header fields are; `check_untrusted` reads
what every element relies on; the value of any other field is read when it is asked for. What is not edited
leaves as it came, byte for byte. Whatever the network sends, these functions give a value or `MessageError`.
"""

from sipfsm.message.address import DEFAULT_CONTACT_EXPIRES, NameAddr, parse_name_addr_untrusted
from sipfsm.message.auth import (
    AuthValue,
    Challenge,
    Credentials,
    parse_auth_params_untrusted,
    parse_auth_untrusted,
    write_auth_params,
)
from sipfsm.message.build import (
    REASON_PHRASES,
    acknowledges_stateless,
    make_ack,
    make_cancel,
    make_response,
    stateless_tag,
)
from sipfsm.message.check import check_overlong_untrusted, check_untrusted
from sipfsm.message.cseq import MAX_CSEQ, CSeq, parse_cseq_untrusted
from sipfsm.message.dates import Timestamp, format_date, parse_date_untrusted, parse_timestamp_untrusted
from sipfsm.message.errors import MessageError
from sipfsm.message.headers import Headers
from sipfsm.message.host import canonical_host, host_port
from sipfsm.message.limits import DEFAULT_LIMITS, Limits
from sipfsm.message.message import SIP_VERSION, Message, Request, Response, SipMessage
from sipfsm.message.params import NO_PARAMS, Params
from sipfsm.message.parse import parse_message_untrusted
from sipfsm.message.uri import OtherUri, SipUri, TelUri, Uri, UriParams, parse_uri_untrusted
from sipfsm.message.values import quote, unquote
from sipfsm.message.via import Via, parse_via_untrusted

__all__ = [
    "DEFAULT_CONTACT_EXPIRES",
    "DEFAULT_LIMITS",
    "MAX_CSEQ",
    "NO_PARAMS",
    "REASON_PHRASES",
    "SIP_VERSION",
    "AuthValue",
    "CSeq",
    "Challenge",
    "Credentials",
    "Headers",
    "Limits",
    "Message",
    "MessageError",
    "NameAddr",
    "OtherUri",
    "Params",
    "Request",
    "Response",
    "SipMessage",
    "SipUri",
    "TelUri",
    "Timestamp",
    "Uri",
    "UriParams",
    "Via",
    "acknowledges_stateless",
    "canonical_host",
    "check_overlong_untrusted",
    "check_untrusted",
    "format_date",
    "host_port",
    "make_ack",
    "make_cancel",
    "make_response",
    "parse_auth_params_untrusted",
    "parse_auth_untrusted",
    "parse_cseq_untrusted",
    "parse_date_untrusted",
    "parse_message_untrusted",
    "parse_name_addr_untrusted",
    "parse_timestamp_untrusted",
    "parse_uri_untrusted",
    "parse_via_untrusted",
    "quote",
    "stateless_tag",
    "unquote",
    "write_auth_params",
]
