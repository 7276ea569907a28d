"""What the DataGate notes about an image that cannot be trained on."""

from typing import NamedTuple


class BadImage(NamedTuple):
    """An image that cannot be trained on."""

    split: str
    example_id: str
    reason: str  # such as "cannot be decoded"
