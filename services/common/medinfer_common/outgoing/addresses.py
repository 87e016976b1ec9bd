"""Which network addresses belong to the node or the cloud's own services, in every way to write them."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_METADATA = IPv6Address("fd00:ec2::254")  # AWS' instance metadata, the only one that is not link-local


def is_local(text: str) -> bool:
    """Whether `text` is a loopback, link-local, unspecified or multicast address, or hides one.

    >>> is_local("::ffff:169.254.169.254"), is_local("10.1.2.3")
    (True, False)
    """
    address = ip_address(text.partition("%")[0])
    return address == _METADATA or any(map(_is_local, (address, *_hidden(address))))


def _is_local(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address == IPv4Address("255.255.255.255")
        or (isinstance(address, IPv4Address) and address.packed[0] == 0)  # Linux takes 0.0.0.0/8 for itself
    )


def _hidden(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses inside an IPv6 address: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(address, IPv4Address):
        return
    yield from filter(None, (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())))
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(address.packed[-4:])
