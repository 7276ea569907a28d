"""A configuration as YAML: `config show` writes what `--config` reads."""

import dataclasses
import difflib
import pathlib
from typing import Any

import pydantic
import yaml

from components.errors import UsageFailure
from components.features import TEST_SPLIT, TRAIN_SPLIT
from components.scaled_defaults import (
    choose_accuracy_drop,
    choose_class_accuracy_drop,
    choose_lite_drop,
    choose_min_accuracy,
)
from components.trainer.config import name_option
from pipeline.config import PipelineConfig

_CONFIG = pydantic.TypeAdapter(PipelineConfig)


def write_config(config: PipelineConfig) -> str:
    """Returns all fields of a configuration as YAML, with a comment on those that depend on the dataset."""
    fields = _CONFIG.dump_python(config, mode="json")
    images, classes = config.data.count_images(config.dataset), len(config.dataset.class_names)
    counts = ", ".join(f"{count:,} {split}" for split, count in images.items())
    lines = [f"# null above, for {config.dataset.name} with {classes} equally large classes and {counts} images:"]
    for name, value in resolve_defaults(config).items():
        section, _, field = name.partition(".")
        if fields[section][field] is None:
            lines.append(f"# {name_option(name)} {value}")
    return yaml.safe_dump(fields, sort_keys=False) + "".join(f"{line}\n" for line in lines)


def resolve_defaults(config: PipelineConfig) -> dict[str, float]:
    """Returns the defaults that depend on the dataset, by field; for classes that are equally large."""
    images, classes = config.data.count_images(config.dataset), len(config.dataset.class_names)
    test = images[TEST_SPLIT]
    return {
        "data.image_size": config.task.image_size,
        "model.patch_size": config.model.backbone(config.task).patch_size,
        "fit.passes_per_epoch": config.fit.count_passes(images[TRAIN_SPLIT]),
        "fit.crop_padding": config.fit.find_crop_padding(config.task.image_size),
        "evaluation.min_accuracy": choose_min_accuracy(config.dataset.name, test, 1 / classes),
        "evaluation.max_accuracy_drop": choose_accuracy_drop(test),
        "evaluation.max_class_accuracy_drop": choose_class_accuracy_drop(test // classes),
        "push.int8_margin": choose_lite_drop(test),
        "push.calibration_images": config.push.count_calibration_images(config.task),
    }


def read_config(path: pathlib.Path, defaults: PipelineConfig) -> PipelineConfig:
    """Reads a configuration.

    Args:
        path: A YAML file with some or all of the fields; keys may be written with hyphens, as in options.
        defaults: Values of the fields that the file leaves out.

    Raises:
        UsageFailure: The file cannot be read, or has an unknown key or an invalid value.
    """
    where = f"--config is {path}"
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageFailure(f"{where}: {error.strerror}.") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UsageFailure(f"{where}, which is not YAML: {' '.join(str(error).split())}.") from None
    try:
        return _CONFIG.validate_python(_merge(dataclasses.asdict(defaults), content or {}, where))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        is_ours = first["type"] == "value_error"  # names the option by itself
        wish = "it must be a list, such as [0, 1]" if first["type"] == "tuple_type" else first["msg"]
        problem = str(first["ctx"]["error"]) if is_ours else f"{key} is {first['input']!r}: {wish}"
        raise UsageFailure(f"{where}: {problem}.") from None


def _merge(defaults: dict[str, Any], content: Any, where: str, section: str = "") -> dict[str, Any]:
    """Returns the defaults with the values of a section of the file."""
    if not isinstance(content, dict):
        raise UsageFailure(f"{where}: {section.rstrip('.') or 'the file'} must be a mapping of keys to values.")
    merged = dict(defaults)
    for written, value in content.items():
        key = str(written).replace("-", "_")
        if key not in defaults:
            similar = difflib.get_close_matches(key, defaults, n=1)
            hint = f"did you mean {section}{similar[0]}?" if similar else f"choose from {', '.join(defaults)}."
            raise UsageFailure(f"{where}, with the unknown key {section}{written}; {hint}")
        is_section = isinstance(defaults[key], dict)
        merged[key] = _merge(defaults[key], value, where, f"{section}{key}.") if is_section else value
    return merged
