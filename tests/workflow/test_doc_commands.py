"""Every command of the documentation: the ten-minute start is run as it stands, all others at least begin."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cohorts import LITTLE_EVIDENCE, TinyCohort
from derivatives import add_atlas, add_qsirecon, add_xcpd

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / name for name in ("README.md", "config/README.md", "benchmarks/README.md")]
PAGES += sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if page.parent.name != "site")
START = REPOSITORY / "docs" / "start.md"
FENCE = re.compile(r"^```bash\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
# A module that is only named is no command.
INLINE = re.compile(r"(?<!`)`((?:snakemake|make|pip|python)\s(?!-m [\w.]+`)[^`]+)`(?!`)")
# What stands for something of the user's, and what it is here.
STAND_INS = {
    "FOLDER ...": "derivatives/xcp_d derivatives/qsirecon",
    "FOLDER": "generations",
    "<folder>": "generations",
    "ATLAS_FILE": "atlas-4S156Parcels_dseg.tsv",
    "lh.schaefer.label.gii rh.schaefer.label.gii": "atlas-4S156Parcels_dseg.tsv",
}
# They need a network, data that are no part of the repository, or a cluster; the test that runs each.
RUN_BY = {
    "get_hcp_example": "workflow/test_workflow.py",
    "get_kong2021_example": "preparation/test_kong2021.py",
    "examples": "configuration/test_schemas.py",
    "slurm": "workflow/test_slurm.py",
    "kubernetes": None,  # said to be untried
}


def commands(page):
    """Commands of a page, without remarks, and with what stands for the user's own."""
    text = page.read_text(encoding="utf-8")
    fenced = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    lines = [part for line in fenced.splitlines() for part in re.sub(r"\s+#.*", "", line).split(" && ")]
    found = [" ".join(line.split()) for line in [*lines, *INLINE.findall(text)]]
    for words, real in STAND_INS.items():
        found = [line.replace(words, real) for line in found]
    return [line for line in dict.fromkeys(found) if line]


EVERY = list(dict.fromkeys(line for page in PAGES for line in commands(page)))
INDEX = next(line for line in EVERY if "workflow_scripts.index --derivatives" in line)


@pytest.fixture(scope="module", autouse=True)
def programs(warm_python):
    """Let a command find `python` and `snakemake` as in an environment that is active."""
    found = (str(Path(warm_python).parent), str(Path(sys.executable).parent), os.environ["PATH"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", os.pathsep.join(found))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder as a user has it: the repository, a cohort of their own, derivatives, an atlas."""
    folder = tmp_path_factory.mktemp("commands")
    for name in (
        "Snakefile",
        "Makefile",
        "rules",
        "workflow_scripts",
        "cubnm_core",
        "benchmarks",
        "profiles",
    ):
        (folder / name).symlink_to(REPOSITORY / name)
    shutil.copytree(REPOSITORY / "config", folder / "config")  # one command writes into it
    cohort = TinyCohort(folder, participants=("01", "02", "03", "04"))
    grid = {"name": "grid", "shape": {"G": 3}}
    cohort.config["fits"]["coupling"] = {"fic": "analytical", "free": {"G": [0.5, 2.5]}, "optimizer": grid}
    cohort.config["evaluation"] = LITTLE_EVIDENCE
    cohort.write().rename(folder / "my.yaml")
    add_xcpd(folder / "derivatives" / "xcp_d", "01", atlases=("4S156Parcels",))
    add_qsirecon(folder / "derivatives" / "qsirecon", "01")
    add_atlas(folder, "4S156Parcels")
    table = "atlas-4S156Parcels_dseg.tsv"
    (folder / "atlases" / "atlas-4S156Parcels" / table).rename(folder / table)
    (folder / "bids").mkdir()
    (folder / "bids" / "participants.tsv").write_text("participant_id\tage\nsub-01\t30\n", encoding="utf-8")
    return folder


def call(place, words):
    """Run a command in the folder and return what it printed."""
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def started_up(place):
    """The same folder after the ten-minute start."""
    for command in commands(START):
        words = shlex.split(command)
        if words[0] == "make" or words[0] == ".":  # set up what the tests run in
            continue
        if words[0] == "snakemake" and "--configfile" not in words:  # the demo, which other tests run
            words = [*words, "--dry-run"]
        call(place, words)
    return place


def test_the_ten_minute_start(started_up):
    assert (started_up / "results" / "report" / "index.html").exists()
    assert (started_up / "sub-01_coupling_seed-5.npz").exists()


@pytest.mark.parametrize("command", [line for line in EVERY if line not in commands(START)])
def test_a_command_can_be_given(started_up, command):
    words = shlex.split(command)
    begun = {"snakemake": planned, "make": made, "pip": installed, "python": started}
    begun["cubnm_core"] = explained
    if any(part in command for part in RUN_BY):
        return
    if "config/my.yaml" in words:
        call(started_up, shlex.split(INDEX))
    begun[words[0].rpartition("/")[2]](started_up, words)


def test_those_that_are_run_elsewhere_are():
    for part, test in RUN_BY.items():
        assert test is None or part.rstrip("/").rpartition(".")[2] in (REPOSITORY / "tests" / test).read_text(
            encoding="utf-8"
        )


def planned(place, words):
    """Snakemake finds the target and what it needs."""
    words = words if "--configfile" in words else [*words, "--configfile", "my.yaml"]
    words = [word for word in words if not word.startswith("profiles/") and word != "--workflow-profile"]
    cores = [] if "--cores" in words else ["--cores", "1"]
    call(place, [*words, *cores, "--dry-run"])


def made(place, words):
    """There is such a target."""
    call(REPOSITORY, [*words, "--dry-run"])


def installed(place, words):
    """The extras are those of the project."""
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in re.findall(r"\.\[([\w,]+)\]", " ".join(words)):
        assert set(extra.split(",")) <= set(known["optional-dependencies"])


def explained(place, words):
    """A command of ours exists, and has every option that is named; what it does, other tests try."""
    told = call(place, [sys.executable, "-m", "workflow_scripts.command", words[1], "--help"])
    handed_on = words[1] in ("init", "run")
    assert handed_on or all(word in told for word in words if word.startswith("--"))


def started(place, words):
    """A module does what it is asked; a benchmark, which takes minutes, knows the options."""
    if words[1].startswith("benchmarks/"):
        text = call(place, [*words[:2], "--help"])
        assert all(word in text for word in words[2:] if word.startswith("--"))
    elif words[1:3] not in (["-m", "pytest"], ["-m", "venv"]):
        call(place, words)
