"""Real servers on loopback: an OCI registry, a store that speaks S3, a web cache.

Each is a context manager, and by hand ``python -m tests.support.servers.registry DIRECTORY`` (``swift``, ``caches``):
one line on stdout when it answers, then it stays until SIGTERM. Where a server cannot be had, it raises
`ServerUnavailableError`, or exits with code 77.
"""
