"""`params.yaml` as frozen, validated values: checked whole, once, on the way in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PositiveInt,
    Strict,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node

from stages.core.prepare import MAX_PIXELS, MOST_PIXELS, Preparation
from stages.files.location import Location, check_root, locate

PARAMS = Path("params.yaml")

MOST_BYTES = 2**17  # which take seconds to read
# So many mistakes are named, in so many characters each.
NAMED = 20
LONGEST = 400

# What the parser raises for text that is no YAML, depending on the text.
NO_YAML = (
    YAMLError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
PositiveNumber = Annotated[Number, Field(gt=0)]


def _of_each_channel(numbers: list[float]) -> list[float]:
    if len(numbers) not in (1, 3):
        raise ValueError(f"expected 1 number (gray) or 3 (red, green, blue), found {numbers}")
    return numbers


OfEachChannel = AfterValidator(_of_each_channel)


def _matches(pattern: str, expected: str) -> BeforeValidator:
    def check(text: Any) -> Any:
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}, found {text!r}")
        return text

    return BeforeValidator(check)


# The name is part of a stage's name and of a path.
PresetName = Annotated[
    str, _matches(r"[A-Za-z][A-Za-z0-9_-]*", "a name of letters, digits, _ and - after a letter")
]
DeviceName = Annotated[
    str, _matches(r"auto|cpu|mps|cuda(:\d+)?", "auto, cpu, mps, cuda or a numbered one as cuda:1")
]
RayAddress = Annotated[
    str, _matches(r"auto|[^/\s]+:\d+", "auto, or host:port of the head node of a Ray cluster")
]

Word = Annotated[str, Field(min_length=1)]
FolderName = Annotated[str, _matches(r"(?!\.\.?$)[^/\\]+", "the name of a folder in dataset.root")]
Root = Annotated[Word, AfterValidator(check_root)]
Side = Annotated[int, Field(strict=True, gt=0, le=2**14)]
Sides = tuple[Side, Side]  # height, width
# Those of stages/files/ready_made, named here again, as every stage depends on this module and one
# on those; the tests compare.
ReadyMade = Literal["cifar10", "cifar100", "mnist", "fashion_mnist", "svhn", "stl10"]

# The measures of reports/shift.json that grow as the splits part. Named here again, as every stage
# depends on this module and few on that which measures them; the tests compare.
LimitedMeasure = Literal[
    "mean_levels",
    "mean_stds",
    "std_ratio",
    "wasserstein_levels",
    "wasserstein_stds",
    "kolmogorov_smirnov",
    "jensen_shannon_bits",
    "psi",
    "total_variation",
    "image_mean_cohens_d",
    "image_std_cohens_d",
]
Channel = Literal["gray", "red", "green", "blue"]


def _a_limit(limit: Any) -> Any:
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0:
        raise ValueError(f"expected a number from 0, or such numbers by channel, found {limit!r}")
    return limit


def _limit_kind(limit: Any) -> str:
    return "by channel" if isinstance(limit, dict) else "of every channel"


Limit = Annotated[
    Annotated[Number, BeforeValidator(_a_limit), Tag("of every channel")]
    | Annotated[
        dict[Channel, Annotated[Number, Field(ge=0)]], Field(min_length=1), Tag("by channel")
    ],
    Discriminator(_limit_kind),
]
# `limits:` with every line of it commented out is None.
Limits = Annotated[
    dict[LimitedMeasure, Limit],
    BeforeValidator(lambda limits: {} if limits is None else limits),
]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Splits(Section):
    """The folder of each split."""

    train: FolderName
    test: FolderName

    @model_validator(mode="after")
    def _are_two(self) -> Splits:
        if self.train == self.test:
            raise ValueError(f"expected two folders, found {self.train!r} for both")
        return self


class Dataset(Section):
    root: Root
    splits: Splits
    download: list[ReadyMade]
    sources: Annotated[list[Word], Field(min_length=1)] | None = None
    timeout_seconds: Annotated[PositiveNumber, Field(le=24 * 3600)] = 20
    minimum_bytes_per_second: PositiveNumber = 200_000

    on_bad_image: Literal["stop", "quarantine"] = "stop"
    resize: Side | Sides | None = None
    crop: Side | Sides | None = None
    max_pixels: Annotated[int, Field(strict=True, gt=0, le=MOST_PIXELS)] = MAX_PIXELS

    @property
    def preparation(self) -> Preparation:
        crop = self.crop
        both = (crop, crop) if isinstance(crop, int) else crop
        return Preparation(self.resize, both, self.max_pixels)

    def folder(self, split: str) -> Location:
        """Where the images of `train` or `test` are."""
        return locate(self.root, getattr(self.splits, split))


class Measure(Section):
    engine: Literal["local", "ray"] = "local"
    ray_address: RayAddress | None = None
    device: DeviceName = "auto"
    batch_images: Annotated[PositiveInt, Strict()] = 4096


class Compare(Section):
    # With fewer than 19 permutations no p-value is as low as 0.05, and no interval covers 95 %.
    permutations: Annotated[int, Field(strict=True, ge=19)] = 1000
    seed: Annotated[int, Field(strict=True, ge=0)] = 0


class FixedPreset(Section):
    """A number for gray, or numbers for red, green and blue."""

    mean: Annotated[list[Number], OfEachChannel]
    std: Annotated[list[PositiveNumber], OfEachChannel]

    @model_validator(mode="after")
    def _of_the_same_channels(self) -> FixedPreset:
        if len(self.mean) != len(self.std):
            raise ValueError(
                f"expected as many numbers in mean as in std, found {self.mean} and {self.std}"
            )
        return self


class FittedPreset(Section):
    """Constants fitted to the train split; fitted to the test split they would leak it."""

    fit: Literal["train"]
    std: Literal["pixel", "image"]


def _preset_kind(preset: Any) -> str:
    return "fitted" if isinstance(preset, dict) and "fit" in preset else "fixed"


AnyPreset = Annotated[
    Annotated[FixedPreset, Tag("fixed")] | Annotated[FittedPreset, Tag("fitted")],
    Discriminator(_preset_kind),
]


class Params(Section):
    preset: str
    dataset: Dataset
    measure: Measure = Measure()
    compare: Compare = Compare()
    limits: Limits = {}
    presets: Annotated[dict[PresetName, AnyPreset], Field(min_length=1)]

    @field_validator("limits")
    @classmethod
    def _ratios_can_hold(cls, limits: Limits) -> Limits:
        limit = limits.get("std_ratio", 1)
        lowest = min(limit.values()) if isinstance(limit, dict) else limit
        if lowest < 1:
            raise ValueError(
                f"std_ratio: expected at least 1, as it bounds the larger of the ratio and its "
                f"inverse, found {lowest}"
            )
        return limits

    @model_validator(mode="after")
    def _chosen_preset_exists(self) -> Params:
        if self.preset not in self.presets:
            raise ValueError(
                f"preset: expected one of {', '.join(self.presets)}, found {self.preset!r}"
            )
        return self


def load_params() -> Params:
    """Read `params.yaml`; ValueError names every mistake by its place in the file."""
    if not PARAMS.is_file():
        raise FileNotFoundError(f"{PARAMS}: not in this folder; run from the repository's root")
    return parse_params(PARAMS.read_bytes())


def parse_params(written: bytes) -> Params:
    content = _parse(written)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        mistakes = error.errors()
        listed = [f"  {_describe(mistake):.{LONGEST}}" for mistake in mistakes[:NAMED]]
        if len(mistakes) > NAMED:
            listed.append(f"  and {len(mistakes) - NAMED} more")
        raise ValueError("\n".join([f"edit {PARAMS}:", *listed])) from error


class _WithoutAliases(Composer):
    """Ten lines of aliases of aliases stand for more values than memory holds."""

    def return_alias(self, node: Node) -> Node:
        raise ComposerError(None, None, "write the value itself, not an alias", node.start_mark)


def _parse(written: bytes) -> Any:
    if len(written) > MOST_BYTES:
        raise ValueError(f"{PARAMS}: expected at most {MOST_BYTES} bytes, found {len(written)}")
    # With DVC's own parser: by other rules than its YAML 1.2, 010 is 8 and `on` is true.
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _WithoutAliases
    try:
        return yaml.load(written)
    except NO_YAML as error:
        raise ValueError(f"{PARAMS} is not valid YAML: {error!s:.{LONGEST}}") from error


def _describe(mistake: ErrorDetails) -> str:
    loc, found = list(mistake["loc"]), mistake["input"]
    if len(loc) > 2 and loc[0] in ("presets", "limits") and loc[2] != "[key]":
        del loc[2]  # pydantic's tag for the kind of preset or limit, which is not in the file
    place = ".".join(map(str, loc))
    match mistake["type"]:
        case "literal_error" if loc[-1] == "[key]":
            of = ".".join(map(str, loc[:-2]))
            return f"{of}: unknown name {found!r}; expected one of {mistake['ctx']['expected']}"
        case "missing":
            return f"{place}: missing"
        case "extra_forbidden" if loc[0] == "presets":
            return f"{place}: unknown key; a preset has mean and std, or fit and std"
        case "extra_forbidden" | "invalid_key":
            return f"{place}: unknown key; remove it or correct its name"
        case "value_error":
            return f"{place.removesuffix('.[key]')}: {mistake['ctx']['error']}".removeprefix(": ")
        case "too_short":
            expected = "at least one"
        case "list_type":
            expected = "a list"
        case "model_type" | "dict_type":
            expected = "keys with values"
        case _:
            expected = mistake["msg"].removeprefix("Input should be ")
    return f"{place}: expected {expected}, found {found!r}".removeprefix(": ")
