"""The signatures of a SavedModel, read without loading it."""

import pathlib

import tensorflow as tf
from tensorflow.core.framework import tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from components.pusher.manifest import Signature

_INIT_SIGNATURE = "__saved_model_init_op"  # TensorFlow's own


def describe_signatures(folder: pathlib.Path) -> dict[str, Signature]:
    """Reads what each signature takes and gives.

    Args:
        folder: Of the SavedModel.

    Returns:
        Signature by name.

    Raises:
        FileNotFoundError: If there is no SavedModel.
    """
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = model.meta_graphs[0].signature_def
    return {
        name: Signature(inputs=_describe(signatures[name].inputs), outputs=_describe(signatures[name].outputs))
        for name in sorted(signatures)
        if name != _INIT_SIGNATURE
    }


def _describe(tensors: dict[str, meta_graph_pb2.TensorInfo]) -> dict[str, str]:
    return {
        name: f"{tf.dtypes.as_dtype(tensors[name].dtype).name} {_format(tensors[name].tensor_shape)}"
        for name in sorted(tensors)
    }


def _format(shape: tensor_shape_pb2.TensorShapeProto) -> str:
    return "of any shape" if shape.unknown_rank else str([dim.size for dim in shape.dim])
