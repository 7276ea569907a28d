"""The configuration of a mini Vision Transformer; importing it does not import Keras."""

import dataclasses
import numbers
from typing import Literal, get_args, get_origin

from models.reducers.registry import REDUCERS, Reducer, TokenReducer

Stem = Literal["convolution", "residual", "linear"]
MlpOutputActivation = Literal["linear", "gelu"]
TokenLearnerPooling = Literal["mean", "sum"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StemConvolution:
    """One convolution of a stem."""

    channels: int  # of its input
    width: int  # channels of its output
    kernel_size: int  # height and width
    stride: int  # 1: there is a residual around it
    output_size: int  # height and width of its output


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """Shape of one Vision Transformer, with or without a token reducer in the middle.

    Each patch has `patch_size` x `patch_size` pixels. The stem "convolution" makes them by overlapping 3x3 convolutions
    of stride 2 and GELU, and one whose stride is the odd factor of `patch_size`; the stem "residual" follows each of
    them by another of stride 1 with a residual connection, all with batch norm and ReLU; the stem "linear" projects
    each patch by itself. Before block `blocks_before_token_learner` a token reducer replaces the patches by
    `num_tokens` tokens (see `reducers/registry.py`). With the TokenFuser each block from there on has a reducer of its
    own, and a TokenFuser, whose output is added to the patches.

    Raises:
        ValueError: If a field or a combination of fields cannot be built; the message names field, value and range.

    Reference:
        Dosovitskiy et al., arXiv 2010.11929 (ViT); Xiao et al., arXiv 2106.14881 (convolutional stem); He et al., arXiv
        1512.03385 (residual); Ryoo et al., arXiv 2106.11297 (TokenLearner, TokenFuser).
    """

    image_size: int  # pixels, height and width
    patch_size: int  # height and width, pixels
    dim: int  # channels of a token
    depth: int  # encoder blocks
    num_heads: int  # attention heads
    head_dim: int | None = None  # channels of a head; None: dim / num_heads
    mlp_dims: tuple[int, ...]  # hidden units of a block's MLP, layer by layer; its output has dim
    mlp_output_activation: MlpOutputActivation = "linear"  # the Keras example has "gelu"
    dropout_rate: float = 0.0  # after the position embedding and each MLP layer, and on attention weights
    stem: Stem = "convolution"
    num_classes: int
    token_reducer: TokenReducer | None = None  # None: all blocks see all patches
    blocks_before_token_learner: int | None = None  # blocks that see all patches, 0..depth-1
    num_tokens: int | None = None  # tokens that the reducer emits
    token_learner_pooling: TokenLearnerPooling = "mean"  # of "token_learner"; the official code has "sum"
    token_bottleneck_dim: int = 64  # hidden units of the MLPs of "token_learner_v11" and of the TokenFuser
    random_selection_seed: int = 0  # which patches "random_selection" takes
    use_token_fuser: bool = False
    shape_name: str = ""  # of points of a search over several shapes, such as "patch2+depth6"

    def __post_init__(self) -> None:
        """Rejects networks that cannot be built."""
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), get_args(field.type)
            if field.type is int:
                _check_integer(field.name, value, 0 if field.name == "random_selection_seed" else 1)
            elif get_origin(field.type) is Literal:
                _require(value in choices, f"{field.name} is {value!r}; it must be one of {choices}")
        rate, reducers = self.dropout_rate, (None, *REDUCERS)
        _require(0 <= rate < 1, f"dropout_rate is {rate}; it must be at least 0 and below 1")
        _require(
            self.token_reducer in reducers, f"token_reducer is {self.token_reducer!r}; it must be one of {reducers}"
        )
        self._check_block()
        self._check_patches()
        self._check_token_reducer()

    def _check_block(self) -> None:
        if self.head_dim is not None:
            _check_integer("head_dim", self.head_dim, 1)
        else:
            rule = f"it must divide dim, which is {self.dim}, or head_dim must be given"
            _require(self.dim % self.num_heads == 0, f"num_heads is {self.num_heads}; {rule}")
        _require(self.mlp_dims, "mlp_dims is (); it must hold at least one width")
        for width in self.mlp_dims:
            _check_integer("a width in mlp_dims", width, 1)

    def _check_patches(self) -> None:
        patch, image, dim = self.patch_size, self.image_size, self.dim
        _require(image % patch == 0, f"patch_size is {patch}; it must divide image_size, which is {image}")
        if self.stem != "linear":
            needs = f"the stem {self.stem!r} needs"
            _require(patch > 1, f"patch_size is {patch}; {needs} at least 2")
            factor = 2 ** (len(self._stem_strides) - 1)
            _require(dim % factor == 0, f"dim is {dim}; {needs} a multiple of {factor} for patch_size {patch}")

    def _check_token_reducer(self) -> None:
        name, placement, num_tokens = self.token_reducer, self.blocks_before_token_learner, self.num_tokens
        _require(
            len({value is None for value in (name, placement, num_tokens)}) == 1,
            f"token_reducer is {name!r}, blocks_before_token_learner {placement} and num_tokens {num_tokens}; "
            "give all three, or none of them",
        )
        if self.reducer is None or placement is None or num_tokens is None:
            without = "use_token_fuser is True without a token_reducer; there are no tokens to fuse"
            _require(not self.use_token_fuser, without)
            return
        first, patches = self.reducer.min_blocks_before, self.num_patches
        _check_integer("blocks_before_token_learner", placement)
        _check_integer("num_tokens", num_tokens)
        allowed = f"{first}..{self.depth - 1}" + (f" for {name!r}" if first else "")
        is_inside = first <= placement < self.depth
        _require(is_inside, f"blocks_before_token_learner is {placement}; it must be in {allowed}")
        is_inside = 1 <= num_tokens <= patches
        _require(is_inside, f"num_tokens is {num_tokens}; it must be in 1..{patches}, the number of patches")
        takes_both = self.reducer.takes_attention and self.use_token_fuser
        _require(not takes_both, f"use_token_fuser is True; {name!r} needs the attention of a block on all patches")
        reason = self.reducer.check(self)
        _require(reason is None, f"num_tokens is {num_tokens}; {name!r} {reason}")

    @property
    def reducer(self) -> Reducer | None:
        """The registry's entry of the token reducer; None without one."""
        return REDUCERS[self.token_reducer] if self.token_reducer else None

    @property
    def stem_convolutions(self) -> tuple[StemConvolution, ...]:
        """The convolutions of the stems "convolution" and "residual", in order; the last has dim channels."""
        convolutions, channels, size, strides = [], 3, self.image_size, self._stem_strides
        for i, stride in enumerate(strides, start=1):
            width = self.dim >> (len(strides) - i)
            size //= stride
            sizes = {"width": width, "output_size": size}
            kernel_size = max(3, stride)
            convolutions.append(StemConvolution(channels=channels, kernel_size=kernel_size, stride=stride, **sizes))
            if self.stem == "residual":
                convolutions.append(StemConvolution(channels=width, kernel_size=3, stride=1, **sizes))
            channels = width
        return tuple(convolutions)

    @property
    def _stem_strides(self) -> tuple[int, ...]:
        """Strides whose product is the patch size: twos, then the odd rest."""
        odd, halvings = self.patch_size, 0
        while odd % 2 == 0:
            odd, halvings = odd // 2, halvings + 1
        return (2,) * halvings + ((odd,) if odd > 1 else ())

    def split_depth(self) -> tuple[int, int]:
        """Returns the numbers of blocks before and after the token reducer; without one all are before it."""
        before = self.depth if self.blocks_before_token_learner is None else self.blocks_before_token_learner
        return before, self.depth - before

    @property
    def head_width(self) -> int:
        """Channels of an attention head."""
        return self.dim // self.num_heads if self.head_dim is None else self.head_dim

    @property
    def grid_size(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """Tokens before the token reducer."""
        return self.grid_size**2


def _check_integer(name: str, value: int, low: int | None = None) -> None:
    _require(isinstance(value, numbers.Integral), f"{name} is {value}; it must be an integer")
    _require(low is None or value >= low, f"{name} is {value}; it must be at least {low}")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)
