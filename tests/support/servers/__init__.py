"""Real servers on loopback: an OCI registry and a store that speaks S3.

Each is a context manager, and by hand ``python -m tests.support.servers.registry DIRECTORY`` (or ``swift``): one line
on stdout when it answers, then it stays until SIGTERM. `ServerUnavailableError`, exit code 77: it cannot be had here.
"""
