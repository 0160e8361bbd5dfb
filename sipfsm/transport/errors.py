"""The one error of the transport layer, and how the errors of the operating system become it."""

import errno


class TransportError(Exception):
    """A message could not be sent, or a connection could not be opened or has ended.

    The transaction layer treats it as the "transport error" of :rfc:`3261#section-17`; a proxy makes 503 of
    it (:rfc:`3261#section-16.9`).
    """

    def __init__(self, reason: str, detail: str):
        """Make the error.

        Args:
            reason: stable slug: the label of a counter and a field of the log.
            detail: a sentence for a person.
        """
        super().__init__(f"{detail} ({reason})")
        self.reason = reason
        self.detail = detail


_REASONS = {
    errno.EMSGSIZE: ("too-large", "the message is too large for a datagram"),
    errno.ENETUNREACH: ("unreachable", "there is no route to that network"),
    errno.EHOSTUNREACH: ("unreachable", "there is no route to that host"),
    errno.ENETDOWN: ("unreachable", "the network is down"),
    errno.EADDRNOTAVAIL: ("unreachable", "no address of this machine leads there"),
    errno.ECONNREFUSED: ("refused", "nothing listens there"),
    errno.ECONNRESET: ("reset", "the other side reset the connection"),
    errno.EPIPE: ("reset", "the other side has closed the connection"),
    errno.ECONNABORTED: ("reset", "the connection was aborted"),
    errno.ETIMEDOUT: ("timeout", "the other side did not answer in time"),
    errno.EPERM: ("not-permitted", "this machine's packet filter forbids it"),
    errno.EACCES: ("not-permitted", "this machine does not permit sending there"),
    errno.EINVAL: ("bad-address", "messages cannot be sent to that address"),
    errno.EAFNOSUPPORT: ("bad-address", "that address family is not in use here"),
    errno.EMFILE: ("out-of-resources", "this process has too many open sockets"),
    errno.ENFILE: ("out-of-resources", "this machine has too many open files"),
    errno.ENOBUFS: ("out-of-resources", "this machine is out of buffer space"),
    errno.ENOMEM: ("out-of-resources", "this machine is out of memory"),
}


def from_os_error(error: OSError, what: str) -> TransportError:
    """Return the transport error for an error of the operating system.

    Args:
        error: what a socket call raised.
        what: what was tried, as the start of a sentence: "cannot send to udp:192.0.2.1:5060".
    """
    reason, why = _REASONS.get(error.errno or 0, ("os-error", error.strerror or str(error)))
    return TransportError(reason, f"{what}: {why}")
