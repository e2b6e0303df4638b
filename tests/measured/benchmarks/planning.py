"""Time that Snakemake takes to plan the default runs on many slices.

    python tests/measured/benchmarks/planning.py --slices 100 --folder /scratch/planning

writes as many CSVs of two cells there and lets ``snakemake -n`` plan the default runs with three
seeds. It prints a row of the table in ``planning.md``: seconds until the plan stands, which is when
a run would start its first job, and until the dry run has been through all jobs. They are seconds
of the processor (user), which hang less on what else the machine does than those of the clock.
Further words are options of Snakemake: ``--batch all=1/20``.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).resolve().parents[3]
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
    given, others = parser.parse_known_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    config = configured(given.folder, given.slices)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--quiet",
        "rules",
        *others,
        "--snakefile",
        ROOT / "Snakefile",
        "--directory",
        given.folder,
        "--cores",
        "2",
        "--configfile",
        ROOT / "config/config.yaml",
        config,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            if line.startswith("Job stats"):
                planned = psutil.Process(run.pid).cpu_times().user
            elif line.startswith("total"):
                jobs = line.split()[1]
    if run.returncode:
        sys.exit(run.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    listed, memory = used.ru_utime, used.ru_maxrss / 1024
    print(f"| {given.slices} | {jobs} | {planned:.1f} | {listed:.1f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
