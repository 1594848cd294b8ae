"""How the benchmark ends when something is wrong, and how one contestant drops out."""


class BenchmarkFailed(Exception):
    """The whole benchmark cannot go on; the message is one sentence for the user."""


class Unavailable(Exception):
    """One contestant cannot take part here; the message says why."""
