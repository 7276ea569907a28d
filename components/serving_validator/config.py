"""The limits that a served model has to stay within; the values are in `pipeline/config.py`."""

import dataclasses

from components.trainer.config import check_range


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServingConfig:
    """The checks of the ServingValidator; the step gets it as JSON."""

    records: int  # images of the test split that are sent
    tolerance: float  # largest allowed difference of a probability from the Trainer's own network, 0..1
    timed_requests: int  # per signature and batch size
    max_batch_1_p50_seconds: float  # median latency of requests with one image
    max_batch_1_p95_seconds: float  # 95th percentile of the same
    max_batch_32_p50_seconds: float  # median latency of requests with 32 images
    max_batch_32_p95_seconds: float  # 95th percentile of the same
    max_memory_mib: int  # peak memory of the serving process, TensorFlow included, MiB
    time_limit_seconds: float  # after which the serving process is killed and the model is rejected

    def __post_init__(self) -> None:
        for name in ("records", "timed_requests"):
            check_range(f"serving.{name}", getattr(self, name), 1)
        check_range("serving.tolerance", self.tolerance, 0, 1)
        for field in dataclasses.fields(self):
            if field.name.startswith("max_") or field.name == "time_limit_seconds":
                check_range(f"serving.{field.name}", getattr(self, field.name), 0)
