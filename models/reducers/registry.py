"""The registry of token reducers, the only place that describes them.

To add a reducer, write its layer in a file of its own and add an entry to `REDUCERS`; docs/how-to has a guide.
Importing this module does not import Keras.
"""

import dataclasses
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from models.patch_grid import tile_grid

if TYPE_CHECKING:
    from models.vit_config import ViTConfig

# learned: weights decide where to look; fixed: the positions do not depend on the image; importance: a score without
# weights of its own selects patches.
Kind = Literal["learned", "fixed", "importance"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reducer:
    """One token reducer; all attributes are required."""

    label: str  # on charts and in reports
    summary: str  # what it does, in the model card
    kind: Kind
    is_control: bool  # whether --search.controls may name it, for comparison
    layer: str  # import path of its layer, "module:Class", whose first argument is num_tokens
    arguments: Callable[["ViTConfig"], dict[str, Any]]  # the layer's other arguments
    check: Callable[["ViTConfig"], str | None]  # why a network cannot have it; None: it can
    macs: Callable[["ViTConfig"], int]  # exact multiply-accumulates of one image in the layer
    has_attention_maps: bool  # whether its layer has `attention_weights`
    takes_attention: bool  # whether its layer is called with [patches, attention weights of the block before it]
    min_blocks_before: int  # the earliest placement; at least 1 where it takes attention

    def load_layer(self) -> type[Any]:
        """Imports the layer's class, and Keras with it."""
        layer: type[Any] = pkgutil.resolve_name(self.layer)
        return layer


def _sizes(config: "ViTConfig") -> tuple[int, int, int]:
    """Returns patches, tokens and dim."""
    assert config.num_tokens is not None
    return config.num_patches, config.num_tokens, config.dim


def _fits(config: "ViTConfig") -> None:
    """Accepts every network that the checks of ViTConfig accept."""


def _no_macs(config: "ViTConfig") -> int:  # noqa: ARG001
    return 0


def _count_token_learner_macs(config: "ViTConfig") -> int:
    patches, tokens, dim = _sizes(config)
    return patches * 9 * (dim * tokens + 3 * tokens**2) + patches * tokens * dim  # convolutions, weighted sum


def _count_v11_macs(config: "ViTConfig") -> int:
    patches, tokens, dim = _sizes(config)
    hidden = config.token_bottleneck_dim
    return patches * (dim * hidden + hidden * tokens) + patches * tokens * dim  # MLP, weighted sum


def _count_patch_merger_macs(config: "ViTConfig") -> int:
    patches, tokens, dim = _sizes(config)
    return 2 * patches * tokens * dim  # scores, weighted sum


def _count_attention_pooling_macs(config: "ViTConfig") -> int:
    patches, tokens, dim = _sizes(config)
    width = config.num_heads * config.head_width
    return 2 * patches * dim * width + 2 * patches * tokens * width + tokens * width * dim  # keys, values; output


def _count_space_to_channel_macs(config: "ViTConfig") -> int:
    return config.num_patches * config.dim**2


def _count_evit_macs(config: "ViTConfig") -> int:
    patches, tokens, dim = _sizes(config)
    return (patches - tokens + 1) * dim  # weighted mean of the other patches


def _check_tiles(config: "ViTConfig") -> str | None:
    if tile_grid(config.grid_size, config.grid_size, _sizes(config)[1]):
        return None
    return f"cannot cut {config.grid_size} x {config.grid_size} patches into that many equal rectangles"


# In the order of legends and of the points of a search.
REDUCERS: dict[str, Reducer] = {
    "token_learner": Reducer(
        label="TokenLearner",
        summary="TokenLearner (convolutions and sigmoid)",
        kind="learned",
        is_control=False,
        layer="models.reducers.token_learner:TokenLearner",
        arguments=lambda config: {"pooling": config.token_learner_pooling},
        check=_fits,
        macs=_count_token_learner_macs,
        has_attention_maps=True,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "token_learner_v11": Reducer(
        label="TokenLearner v1.1",
        summary="TokenLearner v1.1 (MLP and softmax)",
        kind="learned",
        is_control=False,
        layer="models.reducers.token_learner_v11:TokenLearnerV11",
        arguments=lambda config: {"bottleneck_dim": config.token_bottleneck_dim, "dropout_rate": config.dropout_rate},
        check=_fits,
        macs=_count_v11_macs,
        has_attention_maps=True,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "patch_merger": Reducer(
        label="PatchMerger",
        summary="PatchMerger (softmax of products with learned queries)",
        kind="learned",
        is_control=False,
        layer="models.reducers.patch_merger:PatchMerger",
        arguments=lambda _: {},
        check=_fits,
        macs=_count_patch_merger_macs,
        has_attention_maps=True,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "attention_pooling": Reducer(
        label="attention pooling",
        summary="attention pooling (cross-attention of learned queries)",
        kind="learned",
        is_control=False,
        layer="models.reducers.attention_pooling:AttentionPooling",
        arguments=lambda config: {"num_heads": config.num_heads, "head_dim": config.head_width},
        check=_fits,
        macs=_count_attention_pooling_macs,
        has_attention_maps=True,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "average_pooling": Reducer(
        label="average pooling",
        summary="average pooling of the patches of each tile",
        kind="fixed",
        is_control=True,
        layer="models.reducers.average_pooling:AveragePoolingTokens",
        arguments=lambda _: {},
        check=_check_tiles,
        macs=_no_macs,
        has_attention_maps=False,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "random_selection": Reducer(
        label="random selection",
        summary="selection of patches at random positions, the same for all images",
        kind="fixed",
        is_control=True,
        layer="models.reducers.random_selection:RandomTokens",
        arguments=lambda config: {"seed": config.random_selection_seed},
        check=_fits,
        macs=_no_macs,
        has_attention_maps=False,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "top_k_norm": Reducer(
        label="top-k by norm",
        summary="selection of the patches of largest norm",
        kind="importance",
        is_control=True,
        layer="models.reducers.top_k_norm:TopKNormTokens",
        arguments=lambda _: {},
        check=_fits,
        macs=_no_macs,
        has_attention_maps=False,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "space_to_channel": Reducer(
        label="space to channel",
        summary="a dense layer on the concatenated patches of each tile",
        kind="fixed",
        is_control=False,
        layer="models.reducers.space_to_channel:SpaceToChannelTokens",
        arguments=lambda _: {},
        check=_check_tiles,
        macs=_count_space_to_channel_macs,
        has_attention_maps=False,
        takes_attention=False,
        min_blocks_before=0,
    ),
    "evit": Reducer(
        label="EViT",
        summary="EViT (the patches that receive the most attention, and a weighted mean of the others)",
        kind="importance",
        is_control=False,
        layer="models.reducers.evit:EViTTokens",
        arguments=lambda _: {},
        check=_fits,
        macs=_count_evit_macs,
        has_attention_maps=False,
        takes_attention=True,
        min_blocks_before=1,
    ),
}

CONTROLS = tuple(name for name, reducer in REDUCERS.items() if reducer.is_control)

# As type annotations, from which the command line derives its choices.
if TYPE_CHECKING:
    TokenReducer = str
    ControlReducer = str
else:
    TokenReducer = Literal[tuple(REDUCERS)]
    ControlReducer = Literal[CONTROLS]
