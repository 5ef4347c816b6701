"""Rule make_synthetic_cohort: people with known parameters, two scans per session, as files of a lab.

What a fit is given differs from the truth the way data do: the scans were simulated with other noise and a
finer step than fits use, and carry measurement noise and a global signal; the connectome has errors.
"""

from pathlib import Path

import numpy as np

from cubnm_core import simulate
from cubnm_core.connectomes import synthetic
from cubnm_core.measures.objective import has_failed
from workflow_scripts.cohort import tables
from workflow_scripts.configuration.hemodynamics import constants
from workflow_scripts.files import job

GROUPS = ("control", "patient")
BURN_IN = 30.0  # s, before every scan
HEMODYNAMIC_DT = 1e-3  # s
FIRST_NOISE_SEED = 1_000_000  # out of the way of the seeds of fits and evaluations
NETWORKS = ((-20.0, "posterior"), (35.0, "central"), (np.inf, "anterior"))  # by y in mm


def main(sm):
    """Draw the people, simulate their scans, and write files and tables."""
    logger = job.start(sm)
    settings = sm.params.synthetic
    positions = synthetic.node_positions(settings["nodes"])
    nodes = node_rows(positions)
    people = draw_people(settings)
    connectomes = draw_connectomes(settings, positions, len(people))
    scans = simulate_scans(settings, connectomes, people, sm.params.hemodynamics, sm.threads)
    logger.info("%s", describe(scans, people))
    files = files_by_person(sm.params.manifest)
    labels = [node["label"] for node in nodes]
    for number, person in enumerate(people):
        generator = np.random.default_rng([settings["seed"], 2, number])
        handed_out = connectomes[number]
        if not settings["clean"]:
            handed_out = synthetic.vary_connectome(handed_out, settings["connectome_error"], generator)
        mine = files[person["participant_id"]]
        write_matrix(mine["sc"][0], handed_out, labels, row_labels=labels)
        write_matrix(mine["length"][0], synthetic.tract_lengths(positions), labels, row_labels=labels)
        for path, scan in zip(mine["bold"], scans[number], strict=True):
            write_matrix(path, measure(scan, settings, generator), labels)
    write_tables(sm.output, sm.params.manifest, settings, people, nodes)


def node_rows(positions):
    """Name the nodes: hemisphere, network by position from back to front, coordinates in mm."""
    half = len(positions) // 2
    rows = []
    for index, (x, y, z) in enumerate(positions):
        side = "L" if index < half else "R"
        network = next(name for limit, name in NETWORKS if y < limit)
        place = {name: round(float(value), 1) for name, value in zip("xyz", (x, y, z), strict=True)}
        label = f"{side}{index % half + 1:02d}"
        names = {"label": label, "hemisphere": side, "structure": "cortex", "network": network}
        rows.append({"index": index, **names, **place})
    return rows


def draw_people(settings):
    """Draw age, sex, group and true parameters; a cohort with more people begins with the same ones.

    Parameters
    ----------
    settings : dict
        Section ``synthetic`` of a completed configuration.

    Returns
    -------
    list of dict
        ``participant_id``, ``age``, ``sex``, ``group`` and ``truth``, a dict of str to float per session.
    """
    people = []
    for number in range(settings["participants"]):
        generator = np.random.default_rng([settings["seed"], 1, number])
        second = number % 2
        truth = {
            name: _draw(entry, second - 0.5, generator)
            for name, entry in sorted(settings["parameters"].items())
        }
        people.append(
            {
                "participant_id": f"{number + 1:02d}",
                "age": round(float(generator.uniform(20.0, 40.0)), 1),
                "sex": "FM"[int(generator.integers(2))],
                "group": GROUPS[second],
                "truth": session_truth(settings, truth, number),
            }
        )
    return people


def _draw(entry, side, generator):
    """Draw one parameter of one person, of the group on one side (-0.5 or 0.5) of the mean."""
    difference = entry.get("group_difference", 0.0)
    return float(entry["mean"] + side * difference + entry["sd"] * generator.standard_normal())


def session_truth(settings, truth, number):
    """Draw the true parameters of a person in every session, around those of the person."""
    if settings["sessions"] == 1:
        return [truth]
    return [
        {
            name: value + settings["parameters"][name].get("session_sd", 0.0) * generator.standard_normal()
            for name, value in truth.items()
        }
        for generator in (
            np.random.default_rng([settings["seed"], 4, number, session])
            for session in range(settings["sessions"])
        )
    ]


def draw_connectomes(settings, positions, count):
    """Draw the true connectomes, (S, N, N)."""
    typical = synthetic.typical_connectome(positions, np.random.default_rng([settings["seed"], 0]))
    return np.stack(
        [
            synthetic.vary_connectome(
                typical, settings["connectome_spread"], np.random.default_rng([settings["seed"], 3, number])
            )
            for number in range(count)
        ]
    )


def simulate_scans(settings, connectomes, people, hemodynamics, threads):
    """Simulate two scans of every session of every person.

    Returns
    -------
    ndarray (S, 2 * sessions, T, N)
    """
    truth = [values for person in people for values in person["truth"] for _ in range(2)]
    owner = np.repeat(np.arange(len(people)), len(truth) // len(people))
    run = simulate(
        "rWW",
        connectomes,
        {name: np.array([values[name] for values in truth]) for name in truth[0]},
        connectome=owner,
        duration=settings["scan_duration"] + BURN_IN,
        repetition_time=settings["repetition_time"],
        burn_in=BURN_IN,
        dt=settings["dt"],
        hemodynamic_dt=HEMODYNAMIC_DT,
        hemodynamics=constants(hemodynamics),
        fic="analytical",
        seed=FIRST_NOISE_SEED + 1000 * settings["seed"] + np.arange(len(owner)),
        record=("bold",),
        threads=threads,
    )
    if has_failed(run.status).any():
        raise RuntimeError(f"simulations of the synthetic cohort failed (status {run.status.tolist()})")
    bold = run.bold[:, run.n_burn_in :]
    return bold.reshape(len(people), -1, *bold.shape[1:])


def measure(scan, settings, generator):
    """Turn a simulated scan into a measured one, unless the cohort is a clean one."""
    if settings["clean"]:
        return scan
    return synthetic.measure_scan(scan, settings["global_signal"], settings["measurement_noise"], generator)


def describe(scans, people):
    """Say what was simulated."""
    drawn = [values for person in people for values in person["truth"]]
    truth = {name: [values[name] for values in drawn] for name in drawn[0]}
    ranges = ", ".join(f"{name} {min(values):.3f} to {max(values):.3f}" for name, values in truth.items())
    _, n_scans, n_volumes, n_nodes = scans.shape
    return f"{len(people)} people, {n_scans} scans of {n_volumes} volumes and {n_nodes} nodes; {ranges}"


def files_by_person(manifest):
    """Find everybody's paths of each kind in the rows of the manifest."""
    files = {}
    for row in manifest:
        files.setdefault(row["participant_id"], {}).setdefault(row["kind"], []).append(row["path"])
    return files


def write_matrix(path, values, labels, row_labels=None):
    """Write a matrix as text with labels, six significant digits."""
    lines = ["\t".join(labels if row_labels is None else ["", *labels])]
    for index, row in enumerate(values):
        cells = [f"{value:.6g}" for value in row]
        lines.append("\t".join(cells if row_labels is None else [row_labels[index], *cells]))
    with job.atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_tables(output, manifest, settings, people, nodes):
    """Write manifest, participants, nodes and truth."""
    folder = Path(output.manifest).parent
    relative = [{**row, "path": str(Path(row["path"]).relative_to(folder))} for row in manifest]
    job.write_tsv(output.manifest, relative)
    job.write_tsv(output.participants, people, columns=("participant_id", "age", "sex", "group"))
    job.write_tsv(output.nodes, nodes)
    sessions = tables.synthetic_sessions(settings)
    known = [
        {
            "participant_id": person["participant_id"],
            "session_id": session,
            "parameter": name,
            "value": value,
        }
        for person in people
        for session, truth in zip(sessions, person["truth"], strict=True)
        for name, value in truth.items()
    ]
    job.write_tsv(output.truth, known)


if "snakemake" in globals():
    main(snakemake)
