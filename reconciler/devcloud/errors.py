"""From what went wrong with the devcloud, to one sentence that says what to do."""

from reconciler.errors import ReconcilerError


class DevcloudError(ReconcilerError):
    """The devcloud cannot do what was asked; the message says why and where the log is."""
