"""Time and memory of reading wide and long tables, beside pandas' own reading of the same file.

    python tests/measured/benchmarks/reading.py

writes reading.md. Each reading is a process of its own, so that its peak of memory is its own.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SIZES = ((300, 20_000), (1000, 20_000), (1_000_000, 30))

READ = """
import json, resource, sys, time
sys.path.insert(0, {scripts!r})
start = time.process_time()
if {how!r} == "pandas":
    import pandas
    shape = pandas.read_csv({path!r}).shape
else:
    from spclust.io.importing import import_cells
    shape = import_cells([{path!r}], {{"name": "made", "n_clusters": 8}})[0].shape
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.process_time() - start, peak, shape[0]]))
"""


def made(rows, columns):
    """A table of counts, of which some are named as proteins and the others in one pattern."""
    rng = np.random.default_rng(0)
    names = ["CD3", "CD20", "CD68", *(f"G{i}" for i in range(columns - 3))]
    table = pd.DataFrame(rng.poisson(3, (rows, columns)).astype(np.int16), columns=names)
    table.insert(0, "CellID", np.arange(rows))
    return table.assign(x=rng.uniform(0, 9e3, rows).round(2), y=rng.uniform(0, 9e3, rows).round(2))


def measured(path, how):
    """Seconds of the processor and MB at the peak."""
    scripts = str(HERE.parents[2] / "workflow_scripts")
    code = READ.format(scripts=scripts, path=str(path), how=how)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, peak, _ = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.csv"
        for n, d in SIZES:
            made(n, d).to_csv(path, index=False)
            reading, peak = measured(path, "import")
            plain, plain_peak = measured(path, "pandas")
            rows.append(
                {
                    "cells": f"{n:,}",
                    "columns": f"{d:,}",
                    "import s": f"{reading:.1f}",
                    "pandas s": f"{plain:.1f}",
                    "ratio": f"{reading / plain:.1f}",
                    "import MB": f"{peak:.0f}",
                    "pandas MB": f"{plain_peak:.0f}",
                }
            )
    table = pd.DataFrame(rows).to_markdown(index=False, tablefmt="github", disable_numparse=True)
    (HERE / "reading.md").write_text(
        "# Reading wide and long tables\n\n"
        "By `python tests/measured/benchmarks/reading.py`: seconds of the processor and peak of "
        "memory,\nthe libraries' own start included, of the whole import and of `pandas.read_csv` "
        f"alone.\n\n{table}\n"
    )
    print(table)


if __name__ == "__main__":
    main()
