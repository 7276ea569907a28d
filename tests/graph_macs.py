"""Counts multiply-accumulates from the operations of a traced graph, knowing nothing of the network."""

import math
from typing import Any

import tensorflow as tf


def count_macs_of_graph(model: Any, image_size: int) -> int:
    """Counts the products of a traced forward pass of one image from the shapes of its operations.

    Args:
        model: From images [batch, height, width, 3].
        image_size: Height and width, pixels.

    Returns:
        Products of matrix multiplications, einsums and convolutions.
    """
    forward = tf.function(lambda images: model(images, training=False), autograph=False)
    graph = forward.get_concrete_function(tf.TensorSpec((1, image_size, image_size, 3))).graph
    operations = graph.get_operations()
    assert not [operation.name for operation in operations if "Call" in operation.type], "a function hides its products"
    return sum(count_macs_of_operation(operation) for operation in operations)


def count_macs_of_operation(operation: tf.Operation) -> int:
    """Counts the products of one operation: the elements of its output times the terms that each of them sums."""
    shapes = [tensor.shape.as_list() for tensor in operation.inputs]
    if operation.type == "Conv2D":
        height, width, channels, _ = shapes[1]
        terms = height * width * channels
    elif operation.type == "MatMul":
        terms = shapes[0][0 if operation.get_attr("transpose_a") else 1]
    elif operation.type == "BatchMatMulV2":
        terms = shapes[0][-2 if operation.get_attr("adj_x") else -1]
    elif operation.type == "Einsum":
        inputs, _, output = operation.get_attr("equation").decode().partition("->")
        lengths = {
            axis: length
            for axes, shape in zip(inputs.split(","), shapes, strict=True)
            for axis, length in zip(axes, shape, strict=True)
        }
        terms = math.prod(length for axis, length in lengths.items() if axis not in output)
    else:
        assert "MatMul" not in operation.type, f"no rule for {operation.type}"
        assert "Conv" not in operation.type, f"no rule for {operation.type}"
        return 0
    return math.prod(operation.outputs[0].shape.as_list()) * terms
