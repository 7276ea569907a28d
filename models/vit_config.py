"""What a mini Vision Transformer is made of, as data; importing it imports no Keras."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViTConfig:
    """Shape of one Vision Transformer, with or without a TokenLearner in the middle.

    The stem halves the image `log2(patch_size)` times with overlapping 3x3 convolutions of stride 2, so that each patch
    token stands for `patch_size` x `patch_size` pixels.

    Raises:
        ValueError: If a field or a combination of fields cannot be built; the message names field, value and range.

    Reference:
        Dosovitskiy et al., arXiv 2010.11929 (ViT); Xiao et al., arXiv 2106.14881 (convolutional stem); Ryoo et al.,
        arXiv 2106.11297 (TokenLearner).
    """

    image_size: int  # pixels, height and width
    patch_size: int  # pixels; a power of two
    dim: int  # channels of a token
    depth: int  # encoder blocks
    num_heads: int  # attention heads, each dim / num_heads wide
    mlp_dim: int  # hidden units of a block's MLP
    dropout_rate: float  # after the position embedding, the attention and the MLP
    num_classes: int
    blocks_before_token_learner: int | None = None  # blocks that see all patches; None: no TokenLearner
    num_tokens: int | None = None  # tokens that the TokenLearner emits; None: no TokenLearner

    def __post_init__(self) -> None:
        """Rejects what cannot be built."""
        for name in ("image_size", "dim", "depth", "num_heads", "mlp_dim", "num_classes"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if self.patch_size < 2 or self.patch_size & (self.patch_size - 1):
            raise ValueError(f"patch_size is {self.patch_size}; it must be a power of two, at least 2")
        if self.image_size % self.patch_size:
            raise ValueError(f"patch_size is {self.patch_size}; it must divide image_size, which is {self.image_size}")
        if self.dim % self.num_heads:
            raise ValueError(f"num_heads is {self.num_heads}; it must divide dim, which is {self.dim}")
        if self.dim % (self.patch_size // 2):
            raise ValueError(f"dim is {self.dim}; the stem needs a multiple of patch_size / 2 = {self.patch_size // 2}")
        if not 0 <= self.dropout_rate < 1:
            raise ValueError(f"dropout_rate is {self.dropout_rate}; it must be at least 0 and below 1")
        self._check_token_learner()

    def _check_token_learner(self) -> None:
        placement, num_tokens = self.blocks_before_token_learner, self.num_tokens
        if (placement is None) != (num_tokens is None):
            raise ValueError(
                f"blocks_before_token_learner is {placement} and num_tokens is {num_tokens}; "
                "give both for a TokenLearner, or neither"
            )
        if placement is None or num_tokens is None:
            return
        if not 0 <= placement < self.depth:
            raise ValueError(f"blocks_before_token_learner is {placement}; it must be in 0..{self.depth - 1}")
        if not 1 <= num_tokens <= self.num_patches:
            raise ValueError(f"num_tokens is {num_tokens}; it must be in 1..{self.num_patches}, the number of patches")

    @property
    def stem_widths(self) -> tuple[int, ...]:
        """Output channels of the stem's convolutions; the last is dim."""
        num_halvings = int(math.log2(self.patch_size))
        return tuple(self.dim >> (num_halvings - 1 - i) for i in range(num_halvings))

    @property
    def grid_size(self) -> int:
        """Patches along one side of the image."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """Tokens before the TokenLearner."""
        return self.grid_size**2
