"""Lines of JSON that may be stored as they are, as compiled from ``bpf/canonical``."""

def scan(line: bytes) -> tuple[str, str, str, str, str, str] | None:
    """``cluster_name``, ``code``, ``ei`` (as it is written), ``event``, ``time`` and ``uid`` of an event.

    None when ``line`` is not one JSON object of UTF-8 without white space and with its own keys in order,
    each once; or when one of the values is missing, of the wrong kind, or written with escapes.
    """
