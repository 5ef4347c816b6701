"""Rule cohort_tables: tables of all batches, quality control, exclusions, recovery, provenance."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path

import pandas as pd

import cubnm_core
from workflow_scripts.cohort import left_out, noise_seeds, primary_record, tables, units
from workflow_scripts.cohort.regional_constants import with_regional_constants
from workflow_scripts.cohort.units import IDS
from workflow_scripts.export import coupling
from workflow_scripts.files import dictionary, job
from workflow_scripts.files.archives import Archive, by_split
from workflow_scripts.files.damage import Damaged
from workflow_scripts.files.result_tables import concatenate, noted, read_texts
from workflow_scripts.fitting import completeness

BATCH_TABLES = ("fits", "convergence", "front", "evaluation", "states", "regional_parameters")
# Tables of evidence with notes, and what their stage is called.
NOTED = {"cross": "cross", "held_out_people": "held-out people", "nulls": "null models"}
EXCLUSIONS = [*IDS, "stage", "fit", "reason"]
RECOVERY = [*IDS, "fit", "parameter", "truth", "estimate"]
PACKAGES = ("numpy", "scipy", "numba", "pymoo", "cma", "pandas", "snakemake", "matplotlib")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(sm):
    """Write the tables of the cohort and their provenance."""
    logger = job.start(sm)
    targets = by_split(sm.input.targets, sm.params.splits)
    check_whole(sm, targets)
    for name in BATCH_TABLES:
        job.write_tsv(getattr(sm.output, name), concatenate(getattr(sm.input, name)))
    records = {
        "connectome": list(Archive(sm.input.connectomes).records.values()),
        "bold": list(Archive(sm.input.bold).records.values()),
        "targets": [record for archive in targets.values() for record in archive.records.values()],
    }
    fits = read_texts(sm.output.fits)
    coupled = coupling.coupling_rows(fits, records["connectome"], sm.params.fits)
    job.write_tsv(sm.output.coupling, coupled, columns=coupling.COLUMNS)
    exclusions = outside_rows(sm) + exclusion_rows(records, fits)
    exclusions += note_rows(evidence(sm), exclusions)
    job.write_tsv(sm.output.exclusions, exclusions, columns=EXCLUSIONS)
    for truth, path in zip(_several(sm.input.truth), _several(sm.output.recovery), strict=True):
        job.write_tsv(path, recovery_rows(read_texts(truth), fits, sm.params.fits), columns=RECOVERY)
    job.write_json(sm.output.provenance, provenance(sm, records, fits))
    for path in sm.output.dictionaries:
        dictionary.write(Path(path).with_suffix(".tsv"))
    logger.info("%d units, %d exclusions and failures", len(sm.params.units), len(exclusions))


def check_whole(sm, targets):
    """Refuse tables of batches that lack somebody, or a restart, generation, split, measure or node.

    Parameters
    ----------
    sm : object
    targets : dict of str to Archive
        By split.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
        Naming the table and who is not in it.
    """
    cohort = {unit.name: unit for unit in units.from_records(sm.params.units)}
    scanned = {
        (*unit.key, split)
        for split, archive in targets.items()
        for name, unit in cohort.items()
        if archive.records[name]["status"] == "ok"
    }
    labels = [node["label"] for node in tables.read_nodes(sm.input.analysis_nodes)]
    read = {
        name: list(completeness.read_batches(sm.params.fits, sm.params.batches, sm.input[name]))
        for name in BATCH_TABLES
    }
    regional = ("states", "regional_parameters")
    variables = {(name, fit): set() for name, fit in product(regional, sm.params.fits)}
    for name in regional:
        for fit, _, _, table in read[name]:
            variables[name, fit] |= set(table["variable"]) if len(table) else set()
    for number, (fit, batch, path, fits) in enumerate(read["fits"]):
        members = [cohort[name] for name in sm.params.batches[batch]]
        restarts = sm.params.fits[fit]["optimizer"]["restarts"]
        completeness.check_fits(path, fits, fit, members, restarts)
        files = {name: read[name][number][2:] for name in BATCH_TABLES}
        completeness.check_convergence(*files["convergence"], fits)
        completeness.check_scores(*files["evaluation"], fits, scanned)
        for name in regional:
            scores = files["evaluation"][1]
            completeness.check_regions(*files[name], scores, labels, variables[name, fit])


def evidence(sm):
    """Tables of evidence that say in notes whom they lack: name of the stage to table."""
    stages = {"evaluation": sm.output.evaluation, "identifiability": sm.input.profiles}
    for path in [*_several(sm.input.cross), *_several(sm.input.nulls)]:
        if Path(path).stem in NOTED:
            stages[NOTED[Path(path).stem]] = path
    return {stage: read_texts(path) for stage, path in stages.items()}


def note_rows(tables_of_evidence, told):
    """Make one row for each person whom a table of evidence lacks for a reason that was not told before."""
    known = {(*_ids(row).values(), row["reason"]) for row in told}
    rows = {}
    for stage, table in tables_of_evidence.items():
        for row in noted(table).to_dict("records"):
            key = (*_ids(row).values(), row["note"])
            if key not in known:
                rows.setdefault((*key, row["fit"]), {**_ids(row), "stage": stage, "fit": row["fit"]})
    return [{**row, "reason": key[-2]} for key, row in rows.items()]


def outside_rows(sm):
    """Make the rows of people of the study who are in no row of the manifest."""
    left = [row for path in _several(sm.input.left_out) for row in left_out.read(path)]
    stated = [row for path in _several(sm.input.participants) for row in tables.read_participants(path)]
    return left_out.exclusion_rows(left, [row["participant_id"] for row in stated], sm.params.units)


def exclusion_rows(records, fits):
    """Make one row per reason why a unit, or one of its fits, has no result."""
    rows = []
    for stage, found in records.items():
        for record in found:
            if record["status"] == "ok" or _told_before(record, stage, records):
                continue
            named = f"{stage} ({record['split']})" if stage == "targets" else stage
            rows += [
                {**_ids(record), "stage": named, "fit": None, "reason": text} for text in record["reasons"]
            ]
    told = list(rows)
    for row in fits[fits["status"] == "excluded"].to_dict("records"):
        if not any(_ids(row) == _ids(other) and other["reason"] in row["reason"] for other in told):
            rows.append({**_ids(row), "stage": "fit", "fit": row["fit"], "reason": row["reason"]})
    for row in fits[fits["status"] == "failed"].to_dict("records"):
        restart = "" if row["restart"] == job.MISSING else f"restart {row['restart']}: "
        rows.append({**_ids(row), "stage": "fit", "fit": row["fit"], "reason": restart + row["reason"]})
    return rows


def _told_before(record, stage, records):
    """Say whether a target only passes on that the scans of its unit were excluded."""
    return stage == "targets" and any(
        bold["unit"] == record["unit"] and bold["status"] != "ok" for bold in records["bold"]
    )


def _ids(row):
    return {key: row[key] or job.MISSING for key in IDS}


def recovery_rows(truth, fits, settings):
    """Pair the fitted free parameters with the true ones, where one value holds for all nodes."""
    rows = []
    known = {(*_ids(row).values(), row["parameter"]): row["value"] for row in truth.to_dict("records")}
    for row in fits[fits["selected"] == "True"].to_dict("records"):
        free = settings[row["fit"]]["free"]
        for name in [name for name in free if not isinstance(free[name], dict)]:
            value = known.get((*_ids(row).values(), name))
            if value is not None:
                found = {"parameter": name, "truth": value, "estimate": row[f"param_{name}"]}
                rows.append({**_ids(row), "fit": row["fit"], **found})
    return rows


def provenance(sm, records, fits):
    """Collect what is needed to reproduce the numbers."""
    nodes = tables.read_nodes(sm.input.analysis_nodes)
    n_simulations = pd.to_numeric(fits["simulations"], errors="coerce").sum()
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software(),
        "machine": machine(),
        "seeds": seeds(sm.params.config, sm.params.fits, sm.params.units),
        "computed": {
            "units": len(sm.params.units),
            "simulations_of_fits": int(n_simulations),
            "seconds_of_fits": float(pd.to_numeric(fits["seconds"], errors="coerce").sum()),
            "seconds_of_rules": rule_seconds("results/benchmarks"),
        },
        "inputs": input_hashes(sm.input, records),
        "computed_elsewhere": computed_elsewhere(records["targets"]),
        "hemispheres": [node["hemisphere"] for node in nodes],
        "config": {**sm.params.config, "holdout_resolved": sm.params.holdout},
        "fits": {name: with_regional_constants(fit, nodes) for name, fit in sm.params.fits.items()},
        "batches": sm.params.batches,
        "primary": primary_record.read(),
    }


def computed_elsewhere(targets):
    """Count the people whose FC and FCD were supplied precomputed."""
    return len({record["participant_id"] for record in targets if record.get("precomputed")})


def software():
    """Give the versions of what computes."""
    return {
        "cubnm_core": cubnm_core.__version__,
        "numerics_version": cubnm_core.NUMERICS_VERSION,
        "stage_versions": cubnm_core.STAGE_VERSIONS,
        "commit": _commit(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit():
    """Name the commit of the workflow, "-dirty" if files were changed since; None outside a repository."""
    folder = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def machine():
    """Describe the machine that wrote the tables."""
    return {
        "system": platform.platform(),
        "processor": job.processor(),
        "cores": os.cpu_count(),
        "byte_order": sys.byteorder,
        "threads": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
    }


def seeds(config, fits, people):
    """Name every seed that decides a number, and what is added to noise seeds in every session."""
    sessions = sorted({ids["session_id"] for ids in people} - {""})
    first, count = config["evaluation"]["first_seed"], config["evaluation"]["seeds"]
    return {
        "evaluation_noise_seeds": f"{first} to {first + count - 1}",
        "fits": {
            name: {"noise_seed": fit["noise_seed"], "optimizer_seed": fit["optimizer"]["seed"]}
            for name, fit in fits.items()
        },
        **({"added_in_session": {name: noise_seeds.offset(name) for name in sessions}} if sessions else {}),
    }


def rule_seconds(folder):
    """Add up the wall time of the jobs of every rule, from the benchmarks that Snakemake writes."""
    found = {}
    for path in sorted(Path(folder).glob("*/*.tsv")):
        found[path.parent.name] = round(found.get(path.parent.name, 0.0) + _seconds(path), 1)
    return found


def _seconds(path):
    """Wall time in a benchmark of Snakemake's; a damaged one counts nothing, and stops nothing."""
    try:
        return float(pd.to_numeric(read_texts(path)["s"], errors="coerce").sum())
    except (Damaged, KeyError):
        return 0.0


def input_hashes(inputs, records):
    """Give the SHA-256 of every file of the user's."""
    optional = (inputs.participants, inputs.truth, inputs.maps, inputs.terms, inputs.models)
    files = [inputs.manifest, inputs.nodes, *(path for paths in optional for path in _several(paths))]
    hashes = {str(path): job.sha256(path) for path in files}
    for record in records["connectome"]:
        hashes |= {source["path"]: source["sha256"] for source in record["sources"]}
    for record in records["bold"]:
        runs = (record.get("runs") or {}).values()
        scans = [
            file for run in runs for file in (run, run.get("mask"), run.get("motion")) if file is not None
        ]
        hashes |= {file["path"]: file["sha256"] for file in scans}
    for record in records["targets"]:
        hashes |= {source["path"]: source["sha256"] for source in record.get("precomputed", [])}
    return hashes


def _several(paths):
    """An input of a rule that may be one path, several or none, as a list."""
    return [paths] if isinstance(paths, str) else list(paths)


if "snakemake" in globals():
    main(snakemake)
