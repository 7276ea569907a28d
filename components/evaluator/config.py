"""The thresholds of the rules that bless a model; the values are in `pipeline/config.py`."""

import dataclasses

from components.trainer.config import check_range


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """The rules that bless a model, see `rules.py`; None: see `components/scaled_defaults.py`."""

    min_accuracy: float | None  # test accuracy below which no model is blessed, 0..1; None: above the largest class
    max_accuracy_drop: float | None
    """largest drop below the last blessed model that the lower end of the 95% interval may show, 0..1; None: by the
    number of test images"""
    max_class_accuracy_drop: float | None  # the same within each class, 0..1; None: by its number of test images
    min_slice_images: int  # classes with fewer test images may drop, and quartiles are not shown
    max_mmacs: float | None  # million multiply-accumulates an image that a blessed model may need; None: no budget

    def __post_init__(self) -> None:
        for name in ("min_accuracy", "max_accuracy_drop", "max_class_accuracy_drop"):
            check_range(f"evaluation.{name}", getattr(self, name), 0, 1)
        check_range("evaluation.min_slice_images", self.min_slice_images, 1)
        check_range("evaluation.max_mmacs", self.max_mmacs, 0)
