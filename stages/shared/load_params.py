"""`params.yaml`, checked whole, once, on the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node

from stages.shared.params import Params

PARAMS = Path("params.yaml")

MOST_BYTES = 2**17  # a file of this size takes seconds to read
MOST_MISTAKES = 20  # named in one error
LONGEST = 400  # characters of a mistake

# What the parser raises for text that is not YAML, depending on the text.
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


def load_params() -> Params:
    """Read `params.yaml`; ValueError names every mistake by its place in the file."""
    if not PARAMS.is_file():
        raise FileNotFoundError(f"{PARAMS}: not in this folder; run from the repository's root")
    return parse_params(PARAMS.read_bytes())


def parse_params(written: bytes) -> Params:
    """As `load_params`, from the bytes of the file."""
    content = _parse(written)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        mistakes = error.errors()
        listed = [f"  {_describe(mistake):.{LONGEST}}" for mistake in mistakes[:MOST_MISTAKES]]
        if len(mistakes) > MOST_MISTAKES:
            listed.append(f"  and {len(mistakes) - MOST_MISTAKES} more")
        raise ValueError("\n".join([f"edit {PARAMS}:", *listed])) from error


class _WithoutAliases(Composer):
    """Refuse aliases: ten lines of aliases of aliases stand for more values than memory holds."""

    def return_alias(self, node: Node) -> Node:
        raise ComposerError(None, None, "write the value itself, not an alias", node.start_mark)


def _parse(written: bytes) -> Any:
    if len(written) > MOST_BYTES:
        raise ValueError(f"{PARAMS}: expected at most {MOST_BYTES} bytes, found {len(written)}")
    # DVC's own parser, which reads YAML 1.2. To parsers of YAML 1.1, 010 is 8 and `on` is true.
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
            section = ".".join(map(str, loc[:-2]))
            return (
                f"{section}: unknown name {found!r}; expected one of {mistake['ctx']['expected']}"
            )
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
