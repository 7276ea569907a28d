"""Converts an exported model to TensorFlow Lite, in a process of its own.

TensorFlow's converter may abort its process (`LLVM ERROR`) instead of raising an error, so it runs as
`python -m components.lite_converter.convert`.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from components import signatures
from components.artifacts.lite_comparison import LITE_NAMES, VariantName

_SECONDS = 600  # for each conversion; one of the profile full takes 10 on a core
# The statistics of layer norms. In eight bits they cost accuracy, and time, because XNNPACK has no such kernels: the
# int8 model of a network of the profile quick predicted another class than the network for 17% of 10,000 test images,
# with these operators in float for 4%, three times as fast.
#
# Products of activations, as in attention: after a transposition, XNNPACK of TensorFlow 2.21 computes them wrongly in
# eight bits, whichever TensorFlow converted (onnxsim/onnxsim#1436); in float they cost next to no time.
_FLOAT_OPERATORS = ["MEAN", "SQUARED_DIFFERENCE", "RSQRT", "BATCH_MATMUL"]


def convert_models(saved_model: pathlib.Path, calibration: np.ndarray, folder: pathlib.Path) -> dict[VariantName, str]:
    """Writes the TensorFlow Lite models, `model_float32.tflite` and `model_int8.tflite`.

    They map images, uint8 [batch, 32, 32, 3], to probabilities, float32; the batch is 1 unless resized.

    Args:
        saved_model: As the Trainer exports it.
        calibration: Images that determine the ranges of int8, uint8 [batch, height, width, channels].
        folder: Where they are written.

    Returns:
        The reason for each TensorFlow Lite model that cannot be converted.
    """
    failures: dict[VariantName, str] = {}
    with tempfile.TemporaryDirectory() as aside:
        images = pathlib.Path(aside, "images.npy")
        np.save(images, calibration)
        left = list(LITE_NAMES)
        while left:
            reason = _run(left, saved_model, images, folder)
            failed = next((name for name in left if not locate_lite_model(folder, name).exists()), None)
            if failed is None:
                break
            failures[failed] = reason or "the converter ended without it"
            left = left[left.index(failed) + 1 :]
    return failures


def locate_lite_model(folder: pathlib.Path, name: VariantName) -> pathlib.Path:
    """Returns the file of a TensorFlow Lite model in a folder."""
    return folder / f"model_{name}.tflite"


def describe_failure(code: int, errors: str) -> str:
    """Describes in one line why a conversion ended.

    Args:
        code: Exit code of its process, below zero for a signal.
        errors: What it wrote to stderr.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    reason = lines[-1] if lines else "it gave no reason"
    return reason if code > 0 else f"the converter died of signal {-code}: {reason}"


def _run(
    names: Sequence[VariantName], saved_model: pathlib.Path, images: pathlib.Path, folder: pathlib.Path
) -> str | None:
    """Converts until a conversion fails; returns the reason, None if none fails."""
    command = [sys.executable, "-m", __name__, str(saved_model), str(images), str(folder), *names]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_SECONDS * len(names),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the converter was still running after {_SECONDS * len(names)} seconds"
    return describe_failure(done.returncode, done.stderr) if done.returncode else None


def convert(name: str, module: Any, images: str) -> bytes:
    """Converts a model in this process.

    Args:
        name: Of the TensorFlow Lite model.
        module: The loaded SavedModel, as the Trainer exports it.
        images: A .npy file of calibration images, for int8.

    Returns:
        The content of a .tflite file.
    """
    import tensorflow as tf  # in the process of its own only

    function = getattr(module, signatures.CLASSIFY_PIXELS).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if name == "float32":
        model: bytes = converter.convert()
        return model
    calibration = np.load(images)

    def generate_requests() -> Iterator[list[np.ndarray]]:
        return ([calibration[i : i + 1]] for i in range(len(calibration)))

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = generate_requests
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    # The converter alone quantizes all or nothing; its debugger is the public way to leave operators out.
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=_FLOAT_OPERATORS)
    debugger: Any = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=generate_requests, debug_options=options
    )
    quantized: bytes = debugger.get_nondebug_quantized_model()
    return quantized


def _summarize(error: Exception) -> str:
    """Returns the line of an error that names a missing operator, else its first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [line for line in lines if line.startswith(("TF Select ops:", "Custom ops:"))]
    return f"it lacks an operator ({named[0]})" if named else lines[0]


def main(saved_model: str, images: str, folder: str, *names: str) -> None:
    """Writes TensorFlow Lite models one after the other; the last line of stderr describes the first error."""
    import tensorflow as tf

    try:
        module = tf.saved_model.load(saved_model)
        for name in [lite_model for lite_model in LITE_NAMES if lite_model in names]:
            file = locate_lite_model(pathlib.Path(folder), name)
            part = file.with_suffix(".part")
            part.write_bytes(convert(name, module, images))
            part.replace(file)  # so that no file is ever incomplete
    except Exception as error:
        sys.exit(_summarize(error))


if __name__ == "__main__":
    sys.modules["keras"] = None  # type: ignore[assignment]  # two fifths of TensorFlow's import time
    main(*sys.argv[1:])
