"""The search space: placements, token counts and token reducers; importing it does not import Keras."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from models.reducers.registry import CONTROLS, ControlReducer, TokenReducer
from models.vit_config import ViTConfig

NO_REDUCER = "no_reducer"  # in names and hyperparameters, in place of None

_FIELDS = ("token_reducer", "blocks_before_token_learner", "num_tokens", "use_token_fuser")  # in which points differ


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Placements x token counts x token reducers x fuser, and the backbone without any.

    The controls, which do not learn where to look, show whether a learned reducer is worth its compute. A control that
    cannot be built at a token count is left out there, unless it is among `reducers`, too.

    Raises:
        ValueError: If another point cannot be built; the message names the values and the reason.
    """

    backbone: ViTConfig  # without token reducer
    placements: tuple[int, ...]  # values of blocks_before_token_learner, each in 0..depth-1
    token_counts: tuple[int, ...]  # values of num_tokens
    reducers: tuple[TokenReducer, ...]
    controls: tuple[ControlReducer, ...]  # reducers to compare them with; may be empty
    fusers: tuple[bool, ...]  # values of use_token_fuser

    def __post_init__(self) -> None:
        """Rejects a space with an invalid point before any training."""
        depth = self.backbone.depth
        for placement in self.placements:
            if not 0 <= placement < depth:
                allowed = f"0..{depth - 1} (--model.depth is {depth})"
                raise ValueError(f"--search.placements has {placement}; it must be in {allowed}")
        patches, sizes = self.backbone.num_patches, (self.backbone.image_size, self.backbone.patch_size)
        for num_tokens in self.token_counts:
            if not 1 <= num_tokens <= patches:
                allowed = "1..{}, the number of patches (--data.image-size is {}, --model.patch-size {})"
                message = f"--search.token-counts has {num_tokens}; it must be in {allowed.format(patches, *sizes)}"
                raise ValueError(message)
        self.points()

    @property
    def token_reducers(self) -> tuple[TokenReducer, ...]:
        """All reducers, the controls last."""
        return (*self.reducers, *(control for control in self.controls if control not in self.reducers))

    def points(self) -> tuple[ViTConfig, ...]:
        """Returns every network: first the one without reducer, then those with `reducers`, then the controls."""
        return (self.backbone, *(point for point in self._list_points() if isinstance(point, ViTConfig)))

    def left_out(self) -> tuple[str, ...]:
        """Returns why controls are left out, each reason once."""
        return tuple(dict.fromkeys(reason for reason in self._list_points() if isinstance(reason, str)))

    def _list_points(self) -> Iterator[ViTConfig | str]:
        """Returns every network with a reducer, or the reason why a control is left out."""
        axes = (self.token_reducers, self.placements, self.token_counts, self.fusers)
        return map(self._make_point, itertools.product(*axes))

    def _make_point(self, values: tuple[Any, ...]) -> ViTConfig | str:
        reducer, placement, num_tokens, _ = values
        try:
            return dataclasses.replace(self.backbone, **dict(zip(_FIELDS, values, strict=True)))
        except ValueError as error:
            if reducer not in self.reducers:
                return str(error)
            point = f"--search.placements has {placement} and --search.token-counts {num_tokens}"
            raise ValueError(f"{point}, but {error}") from None


def name_point(network: ViTConfig) -> str:
    """Names a network by the fields in which the points of a space differ.

    Args:
        network: A point.

    Returns:
        Such as "no_reducer", "token_learner-8@2" (8 tokens after 2 blocks) or "token_learner-8@2+fuser".
    """
    if network.token_reducer is None:
        return NO_REDUCER
    name = f"{network.token_reducer}-{network.num_tokens}@{network.blocks_before_token_learner}"
    return f"{name}+fuser" if network.use_token_fuser else name


def describe_point(network: ViTConfig) -> dict[str, Any]:
    """Returns the fields in which the points of a space differ, as hyperparameters."""
    if network.token_reducer is None:
        return {"token_reducer": NO_REDUCER}
    return {name: getattr(network, name) for name in _FIELDS}


def is_learned(network: ViTConfig) -> bool:
    """Returns whether a network has a learned token reducer."""
    return network.reducer is not None and network.reducer.kind == "learned"


def is_control(network: ViTConfig) -> bool:
    """Returns whether a network has a token reducer that is a control."""
    return network.token_reducer in CONTROLS


def strip_reducer(network: ViTConfig) -> ViTConfig:
    """Returns the backbone of a network, without token reducer."""
    return dataclasses.replace(
        network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None, use_token_fuser=False
    )


def find_controls(network: ViTConfig) -> tuple[ViTConfig, ...]:
    """Returns the networks to compare a learned one with.

    Args:
        network: A point with a token reducer.

    Returns:
        The backbone without reducer, and the controls that can be built at the same placement and token count.
    """
    return (strip_reducer(network), *_replace_reducer(network, CONTROLS))


def find_references(network: ViTConfig) -> tuple[ViTConfig, ...]:
    """Returns the networks to compare every finalist with: no reducer, and average pooling in place of its reducer.

    Args:
        network: A point.

    Returns:
        The points that can be built and are not the network itself.
    """
    if network.token_reducer is None:
        return ()
    pooling = _replace_reducer(network, ("average_pooling",))
    return tuple(point for point in (strip_reducer(network), *pooling) if point != network)


def _replace_reducer(network: ViTConfig, reducers: Iterable[str]) -> Iterator[ViTConfig]:
    for reducer in reducers:
        with contextlib.suppress(ValueError):  # no such tiles
            yield dataclasses.replace(network, token_reducer=reducer)
