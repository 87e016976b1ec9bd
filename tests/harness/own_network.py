"""Two test processes side by side, each with a loopback network of its own: their fixed addresses do not collide."""

import ctypes
import fcntl
import socket
import struct

CLONE_NEWNET = 0x40000000  # linux/sched.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # linux/sockios.h, linux/if.h


def enter_own_network() -> None:
    """For this process and what it starts; nothing outside can be reached any more. Raises OSError: not root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "only root may have a network of its own; others: -n 0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
