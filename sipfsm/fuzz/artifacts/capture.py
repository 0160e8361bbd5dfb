"""A capture of a case, as if it had been taken from the wire.

Messages over TCP, TLS and WebSocket are written as plain SIP over TCP: what was said, not how it was wrapped.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import dpkt  # type: ignore[import-untyped]

from sipfsm.fuzz.player.recording import Address, Packet, Recording

_RAW_IP = 101  # DLT_RAW: no link layer, which a loopback does not have either
_SEGMENT = 1400


def write_capture(recordings: Sequence[Recording], path: Path, *, stream: bool) -> None:
    """Write cases as a pcap file, in the order of time.

    Args:
        recordings: the cases.
        path: the file.
        stream: whether their messages went over connections.

    Raises:
        OSError: the file cannot be written.
    """
    streams: dict[frozenset[Address], _Stream] = {}
    packets = [(each.epoch + packet.time, packet) for each in recordings for packet in each.packets]
    packets.sort(key=itemgetter(0))
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=_RAW_IP, snaplen=70_000)
        for at, packet in packets:
            source, destination = (
                (packet.local, packet.remote) if packet.sent else (packet.remote, packet.local)
            )
            if stream:
                known = streams.setdefault(frozenset({source, destination}), _Stream())
                frames = known.frames(packet, source, destination)
            else:
                udp = dpkt.udp.UDP(
                    sport=source[1], dport=destination[1], data=packet.data, ulen=8 + len(packet.data)
                )
                frames = [_ip(source, destination, dpkt.ip.IP_PROTO_UDP, udp)]
            for number, frame in enumerate(frames):
                writer.writepkt(frame, ts=at + number / 1e6)


def _ip(source: Address, destination: Address, protocol: int, payload: dpkt.Packet) -> bytes:
    first, second = ipaddress.ip_address(source[0]), ipaddress.ip_address(destination[0])
    if first.version == 6:
        packet = dpkt.ip6.IP6(src=first.packed, dst=second.packed, nxt=protocol, hlim=64, data=payload)
        packet.extension_hdrs = {}
        packet.plen = len(payload)
    else:
        packet = dpkt.ip.IP(src=first.packed, dst=second.packed, p=protocol, ttl=64, data=payload)
    return bytes(packet)


@dataclass
class _Stream:
    """One connection, with the sequence numbers that its segments would have had."""

    sequences: dict[Address, int] = field(default_factory=dict)

    def frames(self, packet: Packet, source: Address, destination: Address) -> list[bytes]:
        """Return the segments of a message, with the handshake before the first."""
        frames = []
        if not self.sequences:
            frames = self._handshake(source, destination)
        for start in range(0, len(packet.data), _SEGMENT):
            data = packet.data[start : start + _SEGMENT]
            frames.append(self._segment(source, destination, dpkt.tcp.TH_PUSH | dpkt.tcp.TH_ACK, data))
            self.sequences[source] += len(data)
            frames.append(self._segment(destination, source, dpkt.tcp.TH_ACK))
        return frames

    def _handshake(self, source: Address, destination: Address) -> list[bytes]:
        self.sequences = {source: 1000, destination: 2000}
        first = self._segment(source, destination, dpkt.tcp.TH_SYN)
        self.sequences[source] += 1
        second = self._segment(destination, source, dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK)
        self.sequences[destination] += 1
        return [first, second, self._segment(source, destination, dpkt.tcp.TH_ACK)]

    def _segment(self, source: Address, destination: Address, flags: int, data: bytes = b"") -> bytes:
        acknowledged = self.sequences[destination] if flags & dpkt.tcp.TH_ACK else 0
        tcp = dpkt.tcp.TCP(
            sport=source[1],
            dport=destination[1],
            seq=self.sequences[source],
            ack=acknowledged,
            flags=flags,
            win=65_535,
            data=data,
        )
        return _ip(source, destination, dpkt.ip.IP_PROTO_TCP, tcp)
