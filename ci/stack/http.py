"""Requests to parts on this machine, each on a connection of its own.

httpx.get makes a client each time, and with it a TLS context that reads the machine's certificates: 30 ms of CPU, for
something that tests ask twenty times a second.
"""

import httpx

# Without kept-alive connections: a part that drains waits for those who are still connected.
client = httpx.Client(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
