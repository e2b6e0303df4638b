"""What each job of the demo costs, as a table.

    python tests/measured/benchmarks/costs.py --folder /scratch/costs

runs the demo in that folder, which must be new, and its report, and writes ``costs.md`` there:
steps, seconds and seconds of the processor by kind of job, what a run costs after its clustering,
and, so that machines compare, what a fixed piece of work took just before. ``--cells 5000`` takes
a simulated tissue of so many cells instead of the demo's. Further words are options of Snakemake.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import yaml
from size import ROOT, measured, settings

# imports of every job, then arithmetic
REFERENCE = """
import numpy, pandas, scipy.stats
from sklearn.cluster import KMeans
x = numpy.random.default_rng(0).normal(size=(20_000, 30))
KMeans(10, n_init=5, max_iter=100, tol=0, random_state=0).fit(x)
"""


def spent(command):
    """Seconds, and seconds of the processor of all its processes, that a command takes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started
    return seconds, sum(
        getattr(after, kind) - getattr(before, kind) for kind in ("ru_utime", "ru_stime")
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--cores", type=int, default=2)
    given, others = parser.parse_known_args()
    given.folder.mkdir(parents=True)
    config = given.folder / "costs.yaml"
    config.write_text(yaml.safe_dump(settings(given.cells, None) if given.cells else {}))
    snakemake = [
        *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
        *("--directory", given.folder, "--configfile", ROOT / "config/config.yaml", config),
    ]
    _, reference = spent(
        ["env", "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", sys.executable, "-c", REFERENCE]
    )
    steps = spent([*snakemake, "--cores", str(given.cores), *others])
    report = spent([*snakemake, "--report", given.folder / "report.html"])

    jobs = measured(given.folder).rename(columns={"seconds of a core": "processor (s)"})
    kinds = jobs.groupby("rule").agg(
        steps=("rule", "size"), seconds=("seconds", "sum"), processor=("processor (s)", "sum")
    )
    kinds = kinds.sort_values("processor", ascending=False)
    kinds.loc["Snakemake itself"] = (0, float("nan"), steps[1] - kinds["processor"].sum())
    kinds.loc["all steps"] = (len(jobs), steps[0], steps[1])
    kinds.loc["report"] = (1, *report)
    kinds["share"] = (kinds["processor"] / steps[1]).map("{:.0%}".format)
    kinds["steps"] = kinds["steps"].astype(int)
    of_run = jobs["results of"].map(lambda folder: folder.name.startswith("method-"))
    after = jobs[of_run & (jobs["rule"] != "cluster_cells")]
    runs = after.groupby(after["results of"].map(lambda f: f.name))["processor (s)"].sum()
    text = f"""{f"{given.cells} cells" if given.cells else "The demo"}, {given.cores} cores: \
{steps[0]:.0f} s, the report {report[0]:.0f} s more; {steps[1]:.0f} and {report[1]:.0f} s of the \
processor. After its clustering a run took {runs.mean():.1f} s of the processor (most: \
{runs.idxmax().removeprefix("method-")}, {runs.max():.1f}). The reference took {reference:.1f} s.

{kinds.round(1).to_markdown()}
"""
    (given.folder / "costs.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
