"""Hypothesis strategies for SIP, and the fuzzer that judges any SIP server by the models.

The strategies give bytes that the grammar of :rfc:`3261#section-25` allows, in every spelling that it allows.
`requests`, `responses` and `messages` are valid in what they mean, too; `request_outlines` and
`response_outlines` give a message before its spelling is chosen, `spellings` all ways to spell one, and
`Outline.of` takes any message. `header_values` and `header_fields` go by the name of a field; what smaller
constructs are called is their name in the grammar. What begins with ``built_`` gives Python values of
`sipfsm.message` instead of bytes.

`dialogs` and `call_sequences` give what comes in sequence, as a `sipfsm.fuzz.script.Script`; `decorated` and
`broken` give variants of a message, those that are allowed and those that are not.

A `Construct` is called for its strategy: ``sip_uris()``, and ``vias(plain_spelling=True)`` for the usual
spelling only.
"""

from sipfsm.fuzz.sequences import broken, call_sequences, decorated, dialogs
from sipfsm.fuzz.strategies.addresses import generic_params, name_addrs
from sipfsm.fuzz.strategies.characters import (
    comments,
    extension_values,
    quoted_strings,
    texts,
    tokens,
    words,
)
from sipfsm.fuzz.strategies.fields import (
    FIELDS,
    Field,
    call_ids,
    challenges,
    contacts,
    credentials,
    media_types,
    methods,
    option_tags,
    routes,
    vias,
)
from sipfsm.fuzz.strategies.hosts import (
    host_names,
    host_ports,
    hosts,
    ipv4_addresses,
    ipv6_addresses,
    ports,
)
from sipfsm.fuzz.strategies.messages import (
    OPTIONAL_FIELDS,
    bodies,
    extension_fields,
    header_fields,
    header_values,
    messages,
    reason_phrases,
    request_lines,
    request_outlines,
    requests,
    response_outlines,
    responses,
    status_lines,
)
from sipfsm.fuzz.strategies.notation import Construct
from sipfsm.fuzz.strategies.outlines import Outline, spellings
from sipfsm.fuzz.strategies.uris import (
    bare_uris,
    other_uris,
    request_uris,
    sip_uris,
    sips_uris,
    tel_uris,
    uri_parameters,
    users,
)
from sipfsm.fuzz.strategies.values import (
    built_name_addrs,
    built_params,
    built_requests,
    built_responses,
    built_sip_uris,
    built_uri_params,
    built_uris,
    built_vias,
)

__all__ = [
    "FIELDS",
    "OPTIONAL_FIELDS",
    "Construct",
    "Field",
    "Outline",
    "bare_uris",
    "bodies",
    "broken",
    "built_name_addrs",
    "built_params",
    "built_requests",
    "built_responses",
    "built_sip_uris",
    "built_uri_params",
    "built_uris",
    "built_vias",
    "call_ids",
    "call_sequences",
    "challenges",
    "comments",
    "contacts",
    "credentials",
    "decorated",
    "dialogs",
    "extension_fields",
    "extension_values",
    "generic_params",
    "header_fields",
    "header_values",
    "host_names",
    "host_ports",
    "hosts",
    "ipv4_addresses",
    "ipv6_addresses",
    "media_types",
    "messages",
    "methods",
    "name_addrs",
    "option_tags",
    "other_uris",
    "ports",
    "quoted_strings",
    "reason_phrases",
    "request_lines",
    "request_outlines",
    "request_uris",
    "requests",
    "response_outlines",
    "responses",
    "routes",
    "sip_uris",
    "sips_uris",
    "spellings",
    "status_lines",
    "tel_uris",
    "texts",
    "tokens",
    "uri_parameters",
    "users",
    "vias",
    "words",
]
