"""Lines of JSON that may be stored as they are, as compiled from ``bpf/canonical``."""

def scan(line: bytes) -> tuple[str, str, str, str, str, str] | None:
    """``cluster_name``, ``code``, ``ei`` (as it is written), ``event``, ``time`` and ``uid`` of an event.

    None when ``line`` is not one JSON object of UTF-8 without white space and with its own keys in order,
    each once; or when one of the values is missing, of the wrong kind, or written with escapes.
    """

def scan_lines(
    lines: bytes, longest: int, last_ei: int
) -> tuple[int, str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """Of lines, each with its newline: how many, first and last ``time``, and what there is of ``event``,
    ``server_id`` (empty where there is none) and ``cluster_name``.

    None when one of them is not an event in its final form, of less than ``longest`` bytes and with an ``ei``
    up to ``last_ei``; when there are none; or when they differ in more than 32 of these.
    """

def count_lines(lines: bytes) -> int:
    """How many newlines there are."""
