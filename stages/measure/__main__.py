"""Measure a split's integer statistics: `python -m stages.measure train`."""

from __future__ import annotations

from contextlib import suppress

from stages.images.arrays import is_array
from stages.images.decoder import note_another
from stages.images.index import Index, save_index
from stages.measure.engine import engine_of
from stages.measure.file_split import measure_folder
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.names import SPLITS
from stages.shared.params import Params
from stages.shared.reports import INVENTORY, read_json
from stages.statistics.files import save_statistics
from stages.statistics.integers import SplitStatistics


def main(split: str) -> None:
    statistics, index = measure(split, load_params())
    save_statistics(split, statistics)
    save_index(split, index)


def measure(split: str, params: Params) -> tuple[SplitStatistics, Index]:
    folder = params.dataset.folder(split)
    if not is_array(folder):
        note_another(_recorded_decoder(split), split)
        return measure_folder(split, params.dataset, engine_of(params.measure))
    # Imported here, since files are measured without torch.
    with entry.importing():
        from stages.measure.array_split import measure_arrays
    return measure_arrays(split, folder, params.measure)


def _recorded_decoder(split: str) -> str:
    """The decoder in the last inventory, which Git keeps; a damaged one is written anew later."""
    with suppress(OSError, ValueError):
        return ", ".join(read_json(INVENTORY)[split].get("decoder", []))
    return ""


if __name__ == "__main__":
    entry.run(main, entry.argument("split", choices=SPLITS))
