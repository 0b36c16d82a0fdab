"""The parts of ci/bench-guest and ci/bench-host."""


class BenchError(Exception):
    """What was to be measured could not be."""
