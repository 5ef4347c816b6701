"""Rule cohort_tables: tables of all batches, quality control, exclusions, recovery, provenance."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

import cubnm_core
from workflow_scripts.cohort import noise_seeds, tables
from workflow_scripts.cohort.regional_constants import with_regional_constants
from workflow_scripts.cohort.units import IDS
from workflow_scripts.export import coupling
from workflow_scripts.files import dictionary, job
from workflow_scripts.files.archives import Archive, by_split
from workflow_scripts.files.result_tables import concatenate, read_texts

EXCLUSIONS = [*IDS, "stage", "fit", "reason"]
RECOVERY = [*IDS, "fit", "parameter", "truth", "estimate"]
PACKAGES = ("numpy", "scipy", "numba", "pymoo", "cma", "pandas", "snakemake", "matplotlib")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(sm):
    """Write the tables of the cohort and their provenance."""
    logger = job.start(sm)
    for name in ("fits", "convergence", "front", "evaluation", "states", "regional_parameters"):
        job.write_tsv(getattr(sm.output, name), concatenate(getattr(sm.input, name)))
    records = {
        "connectome": list(Archive(sm.input.connectomes).records.values()),
        "bold": list(Archive(sm.input.bold).records.values()),
        "targets": [
            record
            for archive in by_split(sm.input.targets, sm.params.splits).values()
            for record in archive.records.values()
        ],
    }
    fits = read_texts(sm.output.fits)
    coupled = coupling.coupling_rows(fits, records["connectome"])
    job.write_tsv(sm.output.coupling, coupled, columns=coupling.COLUMNS)
    exclusions = exclusion_rows(records, fits)
    job.write_tsv(sm.output.exclusions, exclusions, columns=EXCLUSIONS)
    for truth, path in zip(_several(sm.input.truth), _several(sm.output.recovery), strict=True):
        job.write_tsv(path, recovery_rows(read_texts(truth), fits, sm.params.fits), columns=RECOVERY)
    job.write_json(sm.output.provenance, provenance(sm, records, fits))
    for path in sm.output.dictionaries:
        dictionary.write(Path(path).with_suffix(".tsv"))
    logger.info("%d units, %d exclusions and failures", len(sm.params.units), len(exclusions))


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
    return {key: row[key] for key in IDS}


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


def seeds(config, fits, units):
    """Name every seed that decides a number, and what is added to noise seeds in every session."""
    sessions = sorted({ids["session_id"] for ids in units} - {""})
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
        seconds = pd.read_csv(path, sep="\t")["s"].sum()
        found[path.parent.name] = round(found.get(path.parent.name, 0.0) + float(seconds), 1)
    return found


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
