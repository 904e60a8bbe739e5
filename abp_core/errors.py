"""What cannot be done: the one base class of all refusals."""


class Refusal(ValueError):
    """A file, settings or a request that cannot be used. The message is one sentence for the user:
    true, and with what to do about it where that is not plain."""
