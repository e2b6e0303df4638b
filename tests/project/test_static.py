"""What can be checked without running: environments equal the lock, sizes, rules complete."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from spclust.plan import analyses, cards

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow_scripts"
CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch_geometric": "torch-geometric",
    "python-igraph": "igraph",
    "matplotlib-base": "matplotlib",
}
IMPORT_NAMES = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "umap": "umap-learn",
    "igraph": "python-igraph",
    "torch": "pytorch",
    "torch_geometric": "pytorch_geometric",
    "matplotlib": "matplotlib-base",
    "yaml": "pyyaml",
}
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
RULES = (ROOT / "rules").glob("*.smk")


def lock():
    lines = (ROOT / "envs/lock.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def pins(env):
    """Versions allowed by name, those included that pip adds to the environment."""
    entries = yaml.safe_load(env.read_text())["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str) and entry != "pip"]
    found = dict(re.fullmatch(r"([\w-]+) ?([=<>\d.,]*)", text).groups() for text in conda)
    # conda's =2.4 means any 2.4.x; a name alone takes what fits the others
    found = {name: re.sub(r"^=([\d.]+)$", r"==\1.*", text) for name, text in found.items()}
    pip = " ".join(text for entry in entries if isinstance(entry, dict) for text in entry["pip"])
    after = env.with_suffix(".post-deploy.sh")
    pip += after.read_text() if after.exists() else ""
    assert not pip or "pip" in entries
    return found | dict(re.findall(r"([\w-]+)(==[\d.]+)", pip))


@pytest.mark.parametrize("env", ENVS, ids=lambda env: env.stem)
def test_conda_environments_take_the_versions_of_the_lock(env):
    text = yaml.safe_load(env.read_text())
    assert text["channels"] == ["conda-forge", "nodefaults"]
    locked = lock()
    for name, allowed in pins(env).items():
        if name != "python":
            version = locked[CONDA_NAMES.get(name, name).lower().replace("_", "-")]
            assert version.split("+")[0] in SpecifierSet(allowed), name


def test_all_environments_take_the_same_versions():
    found = {}
    for env in ENVS:
        for name, allowed in pins(env).items():
            found.setdefault(name, set()).update({allowed} - {""})
    assert not {name: several for name, several in found.items() if len(several) > 1}


def imported(path, seen):
    """Third-party packages a script imports, itself or through modules of the library."""
    if path in seen:
        return set()
    seen.add(path)
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    packages = set()
    for name in names:
        top = name.split(".")[0]
        base = SCRIPTS.joinpath(*name.split("."))
        for module in (base.with_suffix(".py"), base / "__init__.py"):
            if top == "spclust" and module.is_file():
                packages |= imported(module, seen)
        if top != "spclust" and top not in sys.stdlib_module_names:
            packages.add(top)
    return packages


def module_file(card):
    return SCRIPTS.joinpath(*card.module.split(".")).with_suffix(".py")


def rules():
    text = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    one = r"^(?:use )?rule (\w+)(?: as (\w+) with)?:\n(.*?)(?=^\S|\Z)"
    # targets have neither outputs nor a script
    return [
        found for found in re.findall(one, text, re.M | re.S) if found[1] or "output:" in found[2]
    ]


def test_every_rule_has_all_its_directives():
    found = rules()
    assert len(found) >= 15
    for name, copy, body in found:
        wanted = ["log:", "message:"]
        if not copy:
            wanted += ["conda:", "threads:", "mem_mb", "runtime", "params:", "script:"]
            # both grow with the attempt
            grows = r"mem_mb=(memory\(|\w+_memory\b).*runtime=(minutes\(|\w+_runtime\b)"
            assert re.search(grows, body, re.S), name
        if "cache:" not in body:
            wanted.append("benchmark:")
        assert not [word for word in wanted if word not in body], copy or name


@pytest.mark.parametrize("name,body", [(n, b) for n, copy, b in rules() if not copy])
def test_an_environment_holds_what_its_scripts_import(name, body):
    script = re.search(r'workflow_scripts/(\w+)\.py"', body).group(1)
    wanted = [(env, []) for env in re.findall(r'"\.\./envs/(\w+)\.yaml"', body)]
    if not wanted:  # chosen by the method's card
        found = analyses.load() if name == "analyse_run" else cards.load()
        wanted = [(card.environment, [module_file(card)]) for card in found.values()]
    for env, modules in wanted:
        paths = [SCRIPTS / f"{script}.py", *modules]
        packages = set().union(*(imported(path, set()) for path in paths))
        held = set(pins(ROOT / f"envs/{env}.yaml"))
        missing = {p for p in packages if IMPORT_NAMES.get(p, p) not in held}
        assert not missing, (f"envs/{env}.yaml", *modules)


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_adapters_are_thin(path):
    assert len(path.read_text().splitlines()) <= 40


def test_rule_files_fit_a_head():
    for path in sorted((ROOT / "rules").glob("*.smk")):
        assert len(path.read_text().splitlines()) <= 120, path.name


@pytest.mark.parametrize("folder", ["config/schemas", "workflow_scripts"])
def test_schemas_and_cards_are_read_without_scrolling(folder):
    for path in sorted((ROOT / folder).rglob("*.yaml")):
        long = [line for line in path.read_text().splitlines() if len(line) > 100]
        assert not long, path.name


def test_the_formatter_has_its_way_everywhere():
    """Nothing is kept from it; the word is put together so that this file may hold it."""
    mark = "fmt: " + "skip"
    for folder in ("rules", "workflow_scripts", "tests"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.smk")]:
            assert mark not in path.read_text(), path


def test_the_top_level_is_the_fixed_one():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    fixed = {
        "Snakefile",
        "rules",
        "envs",
        "config",
        "workflow_scripts",
        "resources",
        "results",
        "tests",
        "README.md",
        "Makefile",
        "LICENSE",
        "CITATION.cff",
        "pyproject.toml",
    }
    assert {name for name in listed if not name.startswith(".")} <= fixed


def test_the_version_is_said_once_and_its_changes_are_told():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    # those that the format, 1.2.0, asks for
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0" and citation["license"] == "BSD-3-Clause"
    newest = re.search(r"^## (\S+?),", (ROOT / ".github/CHANGELOG.md").read_text(), re.M)
    assert newest[1] == citation["version"]


def test_what_runs_elsewhere_are_the_readmes_two_commands():
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert steps == ["make demo", "make test"]
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in steps:
        assert re.search(rf"^{command}\b", readme, re.M)
        assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.M)


def test_nothing_that_does_not_train_imports_torch():
    """Importing it takes seconds and hundreds of megabytes in every job."""
    modules = [card.module for card in cards.load().values() if not card.trains]
    modules += [card.module for card in analyses.load().values()]
    modules = [module.removeprefix("spclust.") for module in modules]
    for script in SCRIPTS.glob("*.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            package, *folder = (getattr(node, "module", None) or "").split(".")
            if not isinstance(node, ast.ImportFrom) or package != "spclust":
                continue
            # modules of a package, or what a module defines
            of_package = (SCRIPTS / package).joinpath(*folder).is_dir()
            names = [[alias.name] for alias in node.names] if of_package else [[]]
            modules += [".".join([*folder, *name]) for name in names]
    assert len(modules) > 20
    code = f"""if True:
        import importlib, sys
        for module in {sorted(set(modules))}:
            importlib.import_module(f"spclust.{{module}}")
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True, timeout=120)


@pytest.mark.parametrize(
    ("device", "driver", "here", "gpus"),
    [
        ("auto", True, True, 1),
        ("auto", False, True, 0),
        ("auto", True, False, 0),  # a login node's driver says nothing of the others
        ("cuda", False, False, 1),
        ("cpu", True, True, 0),
    ],
)
def test_a_gpu_is_asked_for_where_the_job_runs(monkeypatch, device, driver, here, gpus):
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/nvidia-smi" if driver else None)
    names = {
        "shutil": shutil,
        "config": {"device": device},
        "workflow": SimpleNamespace(local_exec=here),
        "PLAN": SimpleNamespace(card=cards.load().get),
    }
    # functions only, so Python as it stands
    exec((ROOT / "rules/inputs_methods.smk").read_text(), names)
    asked = {m: names["method_gpus"](SimpleNamespace(method=m)) for m in ("spclust", "leiden")}
    assert asked == {"spclust": gpus, "leiden": 0}
