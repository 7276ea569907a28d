"""Each preset has exactly the parameters and the compute that it is known for."""

import pytest
from graph_macs import count_macs_of_graph

from models.macs import count_macs
from models.presets import PRESETS
from models.vit import build_vit

_PARAMETERS_AND_MACS = {  # the parameters of the Keras example are those that its own code has in tf_keras 2.16
    "keras_example": (1_344_650, 101_549_312),
    "keras_example_8_tokens": (1_355_850, 79_836_416),
    "keras_example_4_tokens": (1_349_946, 78_065_920),
    "keras_example_8_blocks": (2_665_610, 202_212_608),
    "quick": (158_154, 11_887_232),
    "full": (204_906, 16_605_824),
}


def test_the_table_is_complete() -> None:
    assert list(_PARAMETERS_AND_MACS) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_exactly_its_parameters_and_macs(name: str) -> None:
    config = PRESETS[name]
    parameters, macs = _PARAMETERS_AND_MACS[name]
    model = build_vit(config)
    assert model.count_params() == parameters
    assert count_macs(config).total == count_macs_of_graph(model, config.image_size) == macs


@pytest.mark.parametrize(("name", "tokens_into_last_block"), [("keras_example", 64), ("keras_example_8_tokens", 8)])
def test_the_keras_example_has_its_dimensions(name: str, tokens_into_last_block: int) -> None:
    model = build_vit(PRESETS[name])
    assert model.input.shape == (None, 48, 48, 3)
    assert [model.get_layer(f"block_{i}").input.shape[1] for i in range(4)] == [64, 64, 64, tokens_into_last_block]
    assert model.get_layer("block_3").attention.qkv.kernel.shape == (128, 3 * 4 * 128)
    assert [dense.activation.__name__ for dense in model.get_layer("block_3").mlp.dense] == ["gelu", "gelu"]
