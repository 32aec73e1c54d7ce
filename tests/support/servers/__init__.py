"""Real servers on loopback: an OCI registry, a store that speaks S3, a web cache.

Each is a context manager; to run one by hand, use ``python -m tests.support.servers.registry DIRECTORY`` (``swift``,
``caches``): it prints one line on stdout when it responds, and runs until SIGTERM. If a server is not available, it
raises `ServerUnavailableError`, or exits with code 77.
"""
