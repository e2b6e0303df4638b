"""Time that Snakemake takes to plan the default runs on many slices.

    python tests/benchmarks/planning.py --slices 100 --folder /scratch/planning

writes as many CSVs of two cells there and lists, with ``snakemake -n``, what the default runs with
three seeds have to do. It prints a row of the table in ``planning.md``. Seconds are of the
processor (user), which hang less on what else the machine does than those of the clock.
"""

import argparse
import re
import resource
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CELLS = "cell_id,x,y,CD3,CD8,CD20\na,1,2,3,4,5\nb,2,3,4,5,6\n"


def configured(folder, slices):
    """A configuration of so many slices, three seeds."""
    datasets = [{"name": f"slice_{i}", "path": f"slice_{i}.csv"} for i in range(slices)]
    for dataset in datasets:
        (folder / dataset["path"]).write_text(CELLS)
    config = folder / "planning.yaml"
    config.write_text(yaml.safe_dump({"datasets": datasets, "seeds": [42, 43, 44]}))
    return config


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    config = configured(given.folder, given.slices)
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules",
               "--snakefile", ROOT / "Snakefile", "--directory", given.folder, "--cores", "2",
               "--configfile", ROOT / "config/config.yaml", config]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = re.search(r"^total +(\d+)", said, re.M)[1]
    print(f"| {given.slices} | {jobs} | {used.ru_utime:.1f} | {used.ru_maxrss / 1024:.0f} |")


if __name__ == "__main__":
    main()
