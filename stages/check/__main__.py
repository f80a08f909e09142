"""Compare the shift with the limits of params.yaml: `python -m stages.check`.

Prints the verdict, and ends with exit code 1 if a limit is broken.
"""

from __future__ import annotations

from stages.check.verdict import check, in_words
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.reports import CHECK, SHIFT, read_json, write_json


def main(*, record: bool) -> None:
    limits = load_params().limits
    result = check(read_json(SHIFT), limits)
    if record:
        write_json(CHECK, result)
    elif not result["passed"]:
        entry.fail(in_words(result))
    print(f"check: {in_words(result)}")


if __name__ == "__main__":
    entry.run(
        main,
        entry.argument(
            "--record",
            action="store_true",
            help=f"write the verdict to {CHECK} and end with exit code 0; `publish` reads it",
        ),
    )
