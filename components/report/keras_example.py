"""The published results of the Keras example, the yardstick on the chart of accuracy against compute."""

import dataclasses

from models.macs import count_macs
from models.presets import PRESETS

CONDITIONS = "trained for 20 epochs on 40,000 images, mean of 5 runs"


@dataclasses.dataclass(frozen=True)
class PublishedPoint:
    """A row of its table."""

    preset: str
    label: str
    accuracy: float  # top-1 on the test images, 0..1

    @property
    def macs(self) -> int:
        """True multiply-accumulates an image; the example's own figures leave the attention out."""
        return count_macs(PRESETS[self.preset]).total


# keras-team/keras-io, examples/vision/token_learner.py; without TokenLearner the mean of its 56.11 and 56.37 %.
PUBLISHED_POINTS = (
    PublishedPoint("keras_example_4_tokens", "4 tokens", 0.5650),
    PublishedPoint("keras_example_8_tokens", "8 tokens", 0.5655),
    PublishedPoint("keras_example", "no TokenLearner", 0.5624),
    PublishedPoint("keras_example_8_blocks", "no TokenLearner, 8 blocks", 0.5536),
)
