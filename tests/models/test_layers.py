"""Every layer of ours keeps the promises of tests/layer_contract.py."""

import pathlib

import keras
import layer_contract
import pytest
from layer_contract import LayerCase

from models.encoder import EncoderBlock, SelfAttention
from models.mlp import Mlp
from models.normalization import FusedBatchNormalization
from models.patch_row import PatchRow
from models.positions import PositionEmbedding, SinCosPositions2D
from models.reducers.average_pooling import AveragePoolingTokens
from models.reducers.random_selection import RandomTokens
from models.reducers.token_learner import TokenLearner
from models.reducers.token_learner_v11 import TokenLearnerV11
from models.reducers.top_k_norm import TopKNormTokens
from models.sequence_pooling import SequencePooling
from models.token_fuser import TokenFuser

_PATCHES = ((12, 8),)  # 3 x 4 patches of 8 channels
_CASES = [
    LayerCase(
        layer_class=TokenLearner,
        arguments={"num_tokens": 5, "pooling": "sum", "grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
    ),
    LayerCase(
        layer_class=TokenLearnerV11,
        arguments={"num_tokens": 5, "bottleneck_dim": 6, "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
    ),
    LayerCase(
        layer_class=TokenFuser,
        arguments={"bottleneck_dim": 6, "dropout_rate": 0.1},
        input_shapes=((5, 8), (12, 8)),
        output_shape=(12, 8),
        steps_to_move_all=2,
    ),
    LayerCase(
        layer_class=AveragePoolingTokens,
        arguments={"num_tokens": 6, "grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(6, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=RandomTokens,
        arguments={"num_tokens": 5, "seed": 7},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=TopKNormTokens,
        arguments={"num_tokens": 5},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=SelfAttention,
        arguments={"num_heads": 3, "head_dim": 5, "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(12, 8),
    ),
    LayerCase(
        layer_class=EncoderBlock,
        arguments={
            "num_heads": 3,
            "head_dim": 5,
            "mlp_dims": (6, 7),
            "mlp_output_activation": "gelu",
            "dropout_rate": 0.1,
            "return_attention": False,
        },
        input_shapes=_PATCHES,
        output_shape=(12, 8),
    ),
    LayerCase(
        layer_class=Mlp,
        arguments={"hidden_dims": (6, 7), "output_dim": 3, "output_activation": "gelu", "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(12, 3),
    ),
    LayerCase(
        layer_class=FusedBatchNormalization,
        arguments={"momentum": 0.9, "epsilon": 0.01},
        input_shapes=((3, 4, 8),),
        output_shape=(3, 4, 8),
    ),
    LayerCase(layer_class=PatchRow, arguments={}, input_shapes=((3, 4, 8),), output_shape=(12, 8), steps_to_move_all=0),
    LayerCase(layer_class=PositionEmbedding, arguments={}, input_shapes=_PATCHES, output_shape=(12, 8)),
    LayerCase(
        layer_class=SinCosPositions2D,
        arguments={"grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(12, 8),
        steps_to_move_all=0,
    ),
    LayerCase(layer_class=SequencePooling, arguments={}, input_shapes=_PATCHES, output_shape=(8,)),
]

# These checks take long; two layers stand for the others: one convolves, the other has attention, norms and an MLP.
_representative_layers = pytest.mark.parametrize(
    "case", [case for case in _CASES if case.layer_class in (TokenLearner, EncoderBlock)], ids=str
)
_every_layer = pytest.mark.parametrize("case", _CASES, ids=str)


def test_the_cases_are_complete() -> None:
    registered = keras.saving.get_custom_objects()
    ours = {value for key, value in registered.items() if key.startswith("tokenlearner>") and isinstance(value, type)}
    assert {case.layer_class for case in _CASES} == {
        value for value in ours if issubclass(value, keras.layers.Layer) and value.__module__.startswith("models.")
    }


@_every_layer
def test_a_layer_has_the_shape_that_it_promises(case: LayerCase) -> None:
    layer_contract.check_shapes(case)


@_every_layer
def test_the_config_of_a_layer_holds_its_arguments_and_makes_an_equal_one(case: LayerCase) -> None:
    layer_contract.check_config(case)


@_every_layer
def test_a_layer_computes_the_same_from_a_keras_file(case: LayerCase, tmp_path: pathlib.Path) -> None:
    layer_contract.check_keras_file(case, tmp_path)


@_representative_layers
def test_a_layer_computes_the_same_from_a_saved_model(case: LayerCase, tmp_path: pathlib.Path) -> None:
    layer_contract.check_saved_model(case, tmp_path)


@_every_layer
def test_a_layer_treats_each_example_of_a_batch_by_itself(case: LayerCase) -> None:
    layer_contract.check_dynamic_batch(case)


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_float16", 0.005), ("mixed_bfloat16", 0.04)])
@_every_layer
def test_a_layer_computes_nearly_the_same_in_half_precision(case: LayerCase, policy: str, tolerance: float) -> None:
    layer_contract.check_mixed_precision(case, policy, tolerance)


@_representative_layers
def test_a_layer_computes_the_same_when_compiled_by_xla(case: LayerCase) -> None:
    layer_contract.check_xla(case)


@_every_layer
def test_a_train_step_moves_every_weight_of_a_layer(case: LayerCase) -> None:
    layer_contract.check_training(case)
