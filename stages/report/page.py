"""The page `reports/index.html`: one file that needs nothing beside it.

It names no time and no machine: the same inputs give the same bytes everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.identify.matching import definitions
from stages.report import panels, vega
from stages.report.class_words import class_words, common_classes
from stages.report.constant_words import Origin, fitted_origin, fixed_origin
from stages.report.inputs import Inputs
from stages.report.numbers import fixed, signed, significant
from stages.report.plot_words import (
    cumulative_words,
    image_words,
    level_words,
    measure_words,
    preset_words,
)
from stages.report.plots import Rows, image_rows, level_rows, limited, preset_rows, size_rows
from stages.report.preset_table import preset_table
from stages.report.shift_table import shift_table
from stages.report.shift_words import limits_in_words, shift_words
from stages.report.size_words import of_one_size, ratio_words, side_words, size_words
from stages.report.snippets import snippets
from stages.shared.atomic import atomic_write
from stages.shared.names import LEVELS, SPLITS
from stages.shared.params import FittedPreset, FixedPreset, Params
from stages.statistics.summary import image_means, image_stds

PAGE = Path("reports/index.html")
PLOT_ROWS = Path("reports/plots")
# Repeated from stages/download/ready_made: an import would make the report depend on that stage.
TITLES = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "svhn": "SVHN",
    "stl10": "STL-10",
}
TEMPLATES = Path(__file__).resolve().parent / "templates"


def save_page(page: str) -> None:
    with atomic_write(PAGE) as file:
        file.write(page.encode())


def render(inputs: Inputs, shift_rows: Rows, class_rows: Rows) -> str:
    """The page; it draws the same rows as `dvc plots`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters |= {
        "fixed": fixed,
        "signed": signed,
        "significant": significant,
        "thousands": "{:,}".format,
        "lower_first": lambda sentence: sentence[:1].lower() + sentence[1:],
    }
    dataset, constants = _dataset(inputs.params), inputs.presets[inputs.params.preset].normalization
    return environment.get_template("page.html").render(
        channels=inputs.statistics["train"].channel_names,
        params=inputs.params,
        constants=constants,
        state="Published" if inputs.check["passed"] else "Not published",
        limits_words=limits_in_words(inputs.check),
        check=inputs.check,
        snippets=snippets(**constants, image_size=_image_size(inputs.samples["train"]["sizes"])),
        presets=inputs.presets,
        preset_table=preset_table(
            {
                name: {"normalization": preset.normalization, **preset.details}
                for name, preset in inputs.presets.items()
            }
        ),
        origins=_origins(inputs),
        plots=_plots(inputs, shift_rows, class_rows),
        shift=inputs.shift,
        shift_words=shift_words(inputs.shift, inputs.params.compare.permutations),
        shift_table=shift_table(inputs.shift),
        class_words=class_words(inputs.shift),
        common_classes=common_classes(inputs.shift),
        splits=SPLITS,
        dataset=dataset,
        title=f"{dataset} normalization{'' if inputs.check['passed'] else ', not published'}",
        samples=inputs.samples,
        size_words=size_words(_sizes(inputs), inputs.params.dataset),
        inventory=inputs.inventory,
        quarantine=inputs.quarantine,
        statistics=inputs.statistics,
        settings=_settings(inputs),
        scripts=vega.scripts(),
    )


def _plots(inputs: Inputs, shift: Rows, classes: Rows) -> dict[str, tuple[dict[str, Any], str]]:
    """Each plot as Vega-Lite and in words, by the id of the element to draw it in."""
    levels = level_rows(inputs.statistics)
    presets = preset_rows({name: preset.details for name, preset in inputs.presets.items()})
    brightness = {split: 255 * image_means(of) for split, of in inputs.statistics.items()}
    contrast = {split: 255 * image_stds(of) for split, of in inputs.statistics.items()}
    # No std is above half of the range.
    bright, contrasted = image_rows(brightness, LEVELS), image_rows(contrast, LEVELS // 2)
    images = "share of images"
    sizes = _sizes(inputs)
    of_sizes = {
        "sides-plot": (
            panels.sides(size_rows(sizes, "longer_side_bins", "longer side, in pixels")),
            side_words(sizes),
        ),
        "ratios-plot": (
            panels.ratios(size_rows(sizes, "aspect_ratio_bins", "width : height")),
            ratio_words(sizes),
        ),
    }
    return ({} if of_one_size(sizes) else of_sizes) | {
        "levels-plot": (
            panels.levels(levels, "share of pixels", "pixel level"),
            level_words(levels),
        ),
        "cumulative-plot": (panels.cumulative(levels), cumulative_words(levels)),
        "gap-plot": (panels.gaps(levels), "It shows the gap and area of the plot before."),
        "presets-plot": (panels.presets(presets), preset_words(presets)),
        "brightness-plot": (
            panels.levels(bright, images, "mean, in levels"),
            image_words(brightness),
        ),
        "contrast-plot": (
            panels.levels(contrasted, images, "std, in levels", LEVELS // 2),
            image_words(contrast),
        ),
        "shift-plot": (
            vega.shift_plot(limited(shift, inputs.check["limits"])),
            measure_words(shift),
        ),
        "classes-plot": (vega.plot(classes, vega.CLASSES), class_words(inputs.shift)[0]),
    }


def _sizes(inputs: Inputs) -> dict[str, Any]:
    return {split: inputs.samples[split]["sizes"] for split in SPLITS}


def _origins(inputs: Inputs) -> dict[str, Origin]:
    """What the constants of each preset are, by name."""
    presets, train = inputs.params.presets, inputs.statistics["train"]
    measured = {split: definitions(split, of) for split, of in inputs.statistics.items()}
    fitted = {of.std: name for name, of in presets.items() if isinstance(of, FittedPreset)}
    instead = fitted.get("pixel") or fitted.get("image") or "a preset that is fitted to the data"
    return {
        name: fixed_origin(
            inputs.presets[name].normalization,
            measured,
            inputs.presets[name].details["train"],
            instead,
        )
        if isinstance(preset, FixedPreset)
        else fitted_origin(preset.std, train.constant_channels)
        for name, preset in presets.items()
    }


def _settings(inputs: Inputs) -> list[str]:
    """The params that the numbers depend on, as lines of YAML."""
    params = inputs.params
    limits = {
        measure: {channel: of["limit"] for channel, of in channels.items()}
        for measure, channels in inputs.check["limits"].items()
    }
    sections: dict[str, Mapping[Any, Any]] = {
        "dataset": params.dataset.model_dump(include={"root", "resize", "crop"}),
        "compare": params.compare.model_dump(),
        "limits": limits,
        "presets": {name: preset.model_dump() for name, preset in params.presets.items()},
    }
    return [f"preset: {params.preset}"] + [
        line
        for section, values in sections.items()
        for line in (f"{section}:", *(f"  {name}: {json.dumps(v)}" for name, v in values.items()))
    ]


def _image_size(sizes: Mapping[str, Any]) -> Sequence[int]:
    """Height and width of the images; if they differ in size, the usual input of a model."""
    smallest: Sequence[int] = sizes["smallest"]
    return smallest if smallest == sizes["largest"] else (224, 224)


def _dataset(params: Params) -> str:
    """The title of a downloaded dataset; else the name of the folder."""
    name = Path(params.dataset.root).name
    return TITLES[name] if name in params.dataset.download else name
