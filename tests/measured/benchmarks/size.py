"""Wall time and peak memory of every rule on a simulated tissue of many cells.

    python tests/measured/benchmarks/size.py --cells 1000000 --folder /scratch/size

runs the whole default workflow on 30 proteins and 20 images and writes ``size.md`` there: for each
job its seconds, its peak memory and the memory that its rule declares. The same command goes on
after an interruption. ``--epochs 5`` shortens the training, further words are targets and options
of Snakemake (``--until build_graphs``).
"""

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[3]


def settings(cells, epochs):
    """The default configuration on one tissue."""
    tissue = {"n_cells": cells, "n_proteins": 30, "n_images": 20}
    config = {
        "datasets": [{"name": "large", "simulate": tissue, "n_clusters": 10}],
        "device": "cpu",
    }
    if epochs is not None:
        config["method"] = {"spclust": {"pretrain_epochs": epochs, "epochs": epochs}}
    return config


def measured(folder):
    """A row a job: rule, folder, seconds, those of a core, peak and declared memory in MB.

    In the order they ended. Seconds of a core are those that the log tells, all imports included.
    The peak is that of the log where it is higher: Snakemake looks twice a minute only. A job that
    may come from the cache has no benchmark, and what it declares is not known here.
    """
    logs, rows = folder / "results/logs", []
    for log in sorted(logs.rglob("*.log"), key=lambda path: path.stat().st_mtime):
        said = re.search(
            r"done in ([\d.]+) s, ([\d.]+) s of the processor.*, peak memory (\d+) MB",
            log.read_text(),
        )
        if not said:
            continue
        where = log.relative_to(logs).with_suffix(".tsv")
        (seconds, busy, peak), declared = map(float, said.groups()), None
        benchmark = folder / "results/benchmarks" / where
        if benchmark.exists():
            job = pd.read_csv(benchmark, sep="\t").iloc[-1]
            seconds, peak = job["s"], max(peak, job["max_rss"])
            if "resources" in job:
                declared = ast.literal_eval(job["resources"])["mem_mb"]
        rows.append((where.stem, where.parent, seconds, busy, peak, declared))
    names = ["rule", "results of", "seconds", "seconds of a core", "peak MB", "declared MB"]
    return pd.DataFrame(rows, columns=names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--epochs", type=int)
    given, others = parser.parse_known_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    config = given.folder / "size.yaml"
    config.write_text(yaml.safe_dump(settings(given.cells, given.epochs)))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *others,
        "--snakefile",
        ROOT / "Snakefile",
        "--directory",
        given.folder,
        "--cores",
        str(given.cores),
        "--rerun-incomplete",
        "--benchmark-extended",
        "--keep-going",
        "--configfile",
        ROOT / "config/config.yaml",
        config,
    ]
    code = subprocess.run(command).returncode
    table = measured(given.folder).round(0)
    over = table[table["peak MB"] > table["declared MB"]]
    (given.folder / "size.md").write_text(
        f"{given.cells} cells, {given.cores} cores, exit code {code}; jobs together "
        f"{table['seconds'].sum() / 60:.0f} min, highest peak {table['peak MB'].max():.0f} MB, "
        f"{len(over)} above what they declare.\n\n" + table.to_markdown(index=False) + "\n"
    )
    print((given.folder / "size.md").read_text())
    sys.exit(code)


if __name__ == "__main__":
    main()
