"""What the operators of a TensorFlow Lite model work with."""

from typing import Any


def find_factor_types(interpreter: Any) -> set[Any]:
    """Returns the types of what is multiplied by BATCH_MATMUL."""
    types = {tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    return {types[index] for each in operators if each["op_name"] == "BATCH_MATMUL" for index in each["inputs"]}
