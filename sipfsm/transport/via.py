"""What the transport layer writes into a Via, and reads in one to tell where a response goes."""

from sipfsm.message import Request, Via, canonical_host
from sipfsm.transport.address import DEFAULT_PORT, HostPort, Target


def mark_source(request: Request, source: HostPort) -> None:
    """Write where a request came from into its top Via.

    ``received`` is added when the sent-by host is a name or another address than the source
    (:rfc:`3261#section-18.2.1`), and always together with ``rport`` (:rfc:`3581#section-4`). Values that the
    sender put there itself are overwritten: they could direct the response at somebody else.

    Raises:
        MessageError: the top Via cannot be read.
    """
    via = request.via
    host = source.host.partition("%")[0]
    if via.rport is not None:
        via = via.with_params(received=host, rport=str(source.port))
    elif via.received is not None or (via.host != host and canonical_host(via.host) != host):
        via = via.with_params(received=host)
    else:
        return
    request.headers.replace_first_value(b"via", via.to_bytes())


def reply_target(via: Via, protocol: str, *, reliable: bool) -> Target:
    """Return where a response goes when it does not go back over a connection that is still open.

    The order is that of :rfc:`3261#section-18.2.2` with the step that :rfc:`3581#section-4` adds.

    Args:
        via: the top Via of the response.
        protocol: the protocol that the request came over.
        reliable: if that protocol is reliable.

    Returns:
        The target; its host may be a name (from ``maddr``, or a Via that was not marked).
    """
    port = DEFAULT_PORT if via.port is None else via.port
    if not reliable:
        if via.maddr:
            return Target(protocol, via.maddr, port)
        if via.received and via.rport and via.rport.isascii() and via.rport.isdigit() and len(via.rport) <= 5:
            return Target(protocol, via.received, int(via.rport))
    return Target(protocol, via.received or via.host, port)
