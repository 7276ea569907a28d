"""What the data gate raises."""


class DataAnomalyError(ValueError):
    """The data is not what the schema says; the message lists what is wrong."""
