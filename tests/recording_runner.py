"""Beam's in-memory runner, which also keeps what another runner would get to see."""

from typing import Any

from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

SEEN: list[Any] = []  # the pipelines, as messages


class RecordingRunner(FnApiRunner):
    """Keeps each pipeline, then runs it; Beam finds it by `OPTION`."""

    def run_via_runner_api(self, pipeline_proto: Any, options: Any) -> Any:
        """Runs a pipeline."""
        SEEN.append(type(pipeline_proto).FromString(pipeline_proto.SerializeToString()))
        return super().run_via_runner_api(pipeline_proto, options)


OPTION = f"--runner={RecordingRunner.__module__}.{RecordingRunner.__qualname__}"
