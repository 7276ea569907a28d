"""The search space: placements, token counts, token reducers and shapes; importing it does not import Keras."""

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from models.reducers.registry import CONTROLS, ControlReducer, TokenReducer
from models.vit_config import ViTConfig

NO_REDUCER = "no_reducer"  # in names and hyperparameters, in place of None

_FIELDS = ("token_reducer", "blocks_before_token_learner", "num_tokens", "use_token_fuser")  # in which points differ
_SHAPE_FIELDS = {"patch": "patch_size", "depth": "depth", "dim": "dim"}  # by their words in names, such as "patch2"
_SHAPE = re.compile(rf"(?:\+(?:{'|'.join(_SHAPE_FIELDS)})\d+)*$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Placements x token counts x token reducers x fuser, and the backbone without any; all that for each shape.

    Placements that a shape has no blocks for are left out. The widths of the MLP are in proportion to `dim`. The
    controls, which do not learn where to look, show whether a learned reducer is worth its compute. A control that
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
    patch_sizes: tuple[int, ...] = ()  # pixels; empty, as the next two: that of the backbone
    depths: tuple[int, ...] = ()  # encoder blocks
    dims: tuple[int, ...] = ()  # channels of a token

    def __post_init__(self) -> None:
        """Rejects a space with an invalid point before any training."""
        depth = max(self.depths, default=self.backbone.depth)
        for placement in self.placements:
            if not 0 <= placement < depth:
                allowed = f"0..{depth - 1} ({'--search.depths has' if self.depths else '--model.depth is'} {depth})"
                raise ValueError(f"--search.placements has {placement}; it must be in {allowed}")
        coarsest = min(self._list_shapes(), key=lambda backbone: backbone.num_patches)
        for num_tokens in self.token_counts:
            if not 1 <= num_tokens <= coarsest.num_patches:
                option = "--search.patch-sizes" if self.patch_sizes else "--model.patch-size"
                raise ValueError(
                    f"--search.token-counts has {num_tokens}; it must be in 1..{coarsest.num_patches}, the number of "
                    f"patches (--data.image-size is {coarsest.image_size}, {option} {coarsest.patch_size})"
                )
        self.points()

    @property
    def token_reducers(self) -> tuple[TokenReducer, ...]:
        """All reducers, the controls last."""
        return (*self.reducers, *(control for control in self.controls if control not in self.reducers))

    @property
    def shape_axes(self) -> dict[str, tuple[int, ...]]:
        """The values of each field of the shape that has any."""
        return {field: values for field in _SHAPE_FIELDS.values() if (values := getattr(self, f"{field}s"))}

    def reshape(self, **shape: int) -> ViTConfig:
        """Returns the backbone with other values of fields of its shape, which its name then mentions.

        Raises:
            ValueError: If it cannot be built; the message names the options.
        """
        name = "+".join(f"{word}{shape[field]}" for word, field in _SHAPE_FIELDS.items() if field in shape)
        dim = self.backbone.dim
        mlp_dims = tuple(width * shape.get("dim", dim) // dim for width in self.backbone.mlp_dims)
        try:
            return dataclasses.replace(self.backbone, **shape, mlp_dims=mlp_dims, shape_name=name)  # type: ignore[arg-type]
        except ValueError as error:
            options = " and ".join(f"--search.{field.replace('_', '-')}s {value}" for field, value in shape.items())
            raise ValueError(f"a shape of {options} cannot be built: {error}") from None

    def points(self) -> tuple[ViTConfig, ...]:
        """Returns every network: first the one without reducer, then those with `reducers`, then the controls."""
        return tuple(point for point in self._list_points() if isinstance(point, ViTConfig))

    def left_out(self) -> tuple[str, ...]:
        """Returns why controls are left out, each reason once."""
        return tuple(dict.fromkeys(reason for reason in self._list_points() if isinstance(reason, str)))

    def _list_shapes(self) -> Iterator[ViTConfig]:
        """Returns the backbone in each shape."""
        for shape in itertools.product(*self.shape_axes.values()):
            yield self.reshape(**dict(zip(self.shape_axes, shape, strict=True)))

    def _list_points(self) -> Iterator[ViTConfig | str]:
        """Returns every network, or the reason why a control is left out."""
        axes = (self.token_reducers, self.placements, self.token_counts, self.fusers)
        for backbone in self._list_shapes():
            yield backbone
            of_shape = (values for values in itertools.product(*axes) if values[1] < backbone.depth)
            yield from (self._make_point(backbone, values) for values in of_shape)

    def _make_point(self, backbone: ViTConfig, values: tuple[Any, ...]) -> ViTConfig | str:
        reducer, placement, num_tokens, _ = values
        try:
            return dataclasses.replace(backbone, **dict(zip(_FIELDS, values, strict=True)))
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
        Such as "no_reducer", "token_learner-8@2" (8 tokens after 2 blocks) or "token_learner-8@2+fuser", followed by
        "+patch2+depth6" or the like if the search tries several shapes.
    """
    name = NO_REDUCER
    if network.token_reducer is not None:
        name = f"{network.token_reducer}-{network.num_tokens}@{network.blocks_before_token_learner}"
    return (
        f"{name}{'+fuser' if network.use_token_fuser else ''}{f'+{network.shape_name}' if network.shape_name else ''}"
    )


def split_name(point: str) -> tuple[str, str]:
    """Splits the name of a point into that within its shape and that of the shape, such as "+patch2+depth6" or ""."""
    found = _SHAPE.search(point)
    assert found
    return point[: found.start()], found[0]


def name_references(point: str) -> tuple[str, str]:
    """Returns the names of no reducer, and of average pooling in the place of the reducer of a point."""
    name, shape = split_name(point)
    return f"{NO_REDUCER}{shape}", f"average_pooling-{name.partition('-')[2]}{shape}"


def describe_point(network: ViTConfig) -> dict[str, Any]:
    """Returns the fields in which the points of a space differ, as hyperparameters."""
    words = re.findall("[a-z]+", network.shape_name)
    shape = {_SHAPE_FIELDS[word]: getattr(network, _SHAPE_FIELDS[word]) for word in words}
    if network.token_reducer is None:
        return {**shape, "token_reducer": NO_REDUCER}
    return {**shape, **{name: getattr(network, name) for name in _FIELDS}}


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
