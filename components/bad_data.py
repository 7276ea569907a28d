"""What a step raises when the data, and not the step, is at fault."""


class BadDataError(ValueError):
    """The data is not what it should be; the message says where and what is wrong."""
