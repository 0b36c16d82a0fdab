"""The parts of ci/zguest."""


class GuestError(Exception):
    """The runner or the guest failed, as opposed to the command in it."""
