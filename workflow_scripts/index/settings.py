"""A starting configuration that fits a cohort: complete, commented, and checked as the workflow does."""

import os

import yaml

from cubnm_core.errors import InputError
from workflow_scripts.cohort import table_checks
from workflow_scripts.configuration.configuration import validate

NAME = "my.yaml"
BURN_IN = 30.0  # s
LOWEST = 0.001  # Hz: the lower edge of a filter that lets slow drifts pass
SHOWN = 5  # people who are named in a comment
# Haemodynamic constants by field strength in tesla, where the echo time is not known, and for unknown ones.
HEMODYNAMICS = {3.0: "friston-3T", 1.5: "friston-1.5T"}
USUAL_HEMODYNAMICS = "friston-3T"
NOMINAL = 0.15  # T: scanners sold as 3 T state 2.89

TEXT = """\
# Starting configuration, written by the index command for {people} people. Check the lines marked CHECK.
# See what would run:  snakemake --cores all --configfile {path} --dry-run
# Run it:              snakemake --cores all --configfile {path}
# Every key is in config/README.md; those left out have defaults. Paths are relative to where snakemake runs.

manifest: {manifest}          # one row per file of the cohort
participants: {participants}  # age, sex, group, ... of everybody
nodes: {nodes}                # the parcels of the model, in the order of all results{nodes_note}
left_out: {left_out}          # whom and what this command left out, and why; counted in the report

connectome:
  source: {source}            # {source_note}
  session: same               # the connectome of the session itself{session_note}
  scaling: subject_mean       # the mean of everybody's matrix is 0.01; differences in total strength are lost

bold:
  hemodynamics: {hemodynamics}  # {hemodynamics_note}
  {band}

analysis:
  pairs: all                  # pairs of regions that count; intrahemispheric: within hemispheres only
  window: {window}            # s, of functional connectivity dynamics (FCD)
  window_step: {step}         # s

holdout: {holdout}            # {holdout_note}

fits:
  homogeneous:                # a name of your own; several fits are computed side by side
    model: rWW                # reduced Wong-Wang; docs/models has the others
    protocol: quick           # a first look; config/protocols.yaml has longer searches
    fic: analytical           # feedback inhibition control
    free:                     # ranges of the parameters that are fitted
      G: [0.001, 10.0]        # global coupling
      w_p: [0.0, 2.0]         # recurrent excitation
      J_N: [0.001, 0.5]       # excitatory synaptic coupling, nA
    simulation:
      duration: match         # as long as the runs; or s, burn-in included
      burn_in: {burn_in}      # s, left out at the start
      dt: 1.0e-4              # s, step of the integration
      hemodynamic_dt: 1.0e-3  # s, step of the haemodynamics

evaluation:
  seeds: 10                   # fresh noise seeds of every score
  first_seed: 1000
{brain}"""


def starting_configuration(cohort, nodes, tree, out):
    """Write the text of a configuration.

    Parameters
    ----------
    cohort : workflow_scripts.index.pairing.Cohort
    nodes : list of dict
        Of the node table; empty where none could be derived.
    tree : workflow_scripts.index.walk.Tree
    out : str
        Folder of the tables, as given by the user.

    Returns
    -------
    str
    """
    facts = cohort.scans
    roles = any(row["role"] for row in cohort.rows)
    seconds = facts.seconds
    window = 30.0 if seconds is None or seconds >= 4 * 30.0 else 20.0
    paths = {
        name: _scalar(os.path.join(out, f"{name}.tsv"))
        for name in ("manifest", "participants", "nodes", "left_out")
    }
    told = _holdout(roles)
    values = {
        **paths,
        "path": os.path.join(out, NAME),
        "people": len({row["participant_id"] for row in cohort.rows}),
        "nodes_note": "" if nodes else "; CHECK: could not be derived, write it (make_nodes)",
        **_connectome(cohort.rows),
        **_hemodynamics(facts),
        "band": _band(facts, cohort.rows),
        "window": window,
        "step": 5.0,
        "holdout": told[0],
        "holdout_note": told[1],
        "burn_in": BURN_IN,
        "brain": _brain(cohort.rows, tree),
    }
    return _aligned(TEXT.format(**values))


def check(path):
    """Check a configuration and its tables as the workflow does before its first job.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of str
        What would be refused.
    """
    with open(path, encoding="utf-8") as file:
        config = yaml.safe_load(file)
    try:
        table_checks.read_tables(validate(config))
    except InputError as error:
        return str(error).splitlines()
    return []


def _holdout(roles):
    if roles:
        return "run", "whole runs: those with the role test in the manifest"
    return "split_half", "the second half of every run, because not everybody has two"


def _connectome(rows):
    """Say whose connectome everybody gets."""
    kinds = {
        kind: {(row["participant_id"], row["session_id"]) for row in rows if row["kind"] == kind}
        for kind in ("sc", "bold")
    }
    people = {participant for participant, _ in kinds["sc"]}
    shared = {participant for participant, session in kinds["sc"] if not session}
    alone = [who for who in kinds["bold"] - kinds["sc"] if who[0] in people and who[0] not in shared]
    lacking = {participant for participant, _ in kinds["bold"]} - people
    if lacking and people:
        source, note = "mean", f"{len(lacking)} people have none: everybody gets the mean; CHECK"
    elif not people:
        source, note = "individual", "CHECK: nobody has a connectome; group takes one from the manifest"
    else:
        source, note = "individual", "everybody's own; mean, consensus or group: one for all"
    session = f"; CHECK: {len(alone)} sessions have none: nearest, first or mean" if alone else ""
    return {"source": source, "source_note": note, "session_note": session}


def _hemodynamics(facts):
    """Choose published haemodynamic constants for the scanner, as far as JSON files tell."""
    strengths = {_nominal(strength) for strength in facts.field_strengths}
    listed = ", ".join(f"{value:g}" for value in sorted(strengths))
    if not strengths:
        return _chosen(USUAL_HEMODYNAMICS, "constants for 3 T; CHECK: no JSON file says it")
    strength = max(strengths)
    name = HEMODYNAMICS.get(strength)
    if name is None or len(strengths) > 1:
        remedy = "docs/models/README.md has the constants of other scanners"
        return _chosen(name or USUAL_HEMODYNAMICS, f"CHECK: the scans have {listed} T; {remedy}")
    if strength == 3.0 and len(facts.echo_times) == 1:
        scanner = f"{{field_strength: 3.0, echo_time: {next(iter(facts.echo_times)):g}}}"
        return _chosen(scanner, "tesla and s, as the JSON files say")
    times = ", ".join(f"{1000 * value:g}" for value in sorted(facts.echo_times))
    told = f"; the scans have echo times of {times} ms" if times else ""
    return _chosen(name, f"published constants for {listed} T, as the JSON files say{told}")


def _nominal(strength):
    """Round a field strength to the one that the scanner is sold with."""
    return next((known for known in HEMODYNAMICS if abs(known - strength) <= NOMINAL), strength)


def _chosen(constants, note):
    return {"hemodynamics": constants, "hemodynamics_note": note}


def _band(facts, rows):
    """Say what the scans have been through, as far as JSON files tell; simulations get the same."""
    plain = "band_pass: null             # [low, high] in Hz filters scans and simulations alike"
    if not facts.bands:
        return f"{plain}; CHECK: are the scans filtered already? If so, write filtered: [low, high]"
    usual = usual_filter(facts)
    low, high, order = usual
    others = [person for band, people in facts.bands.items() if band[:2] != usual[:2] for person in people]
    note = f"; CHECK: not those of {_some(others)}, who are excluded" if others else ""
    if low is None and high is None:
        return f"{plain}; the JSON files name no filter{note}"
    if low is None or high is None:
        said = f"{low or 0:g} to {high or 'any'}"
        note = f"; CHECK: the files say {said} only, the other edge is as far out as can be{note}"
    low, high = low or LOWEST, high or _highest(rows)
    lines = [f"filtered: [{low}, {high}]  # Hz, of the scans as their files say, and of simulations{note}"]
    if order is not None:
        lines.append(f"filtered_order: {order}  # of that filter in each direction")
    return "\n  ".join(lines)


def usual_filter(facts):
    """Give the filter of most people: (low, high, order)."""
    return max(facts.bands, key=lambda band: len(facts.bands[band]))


def _highest(rows):
    """Give the upper edge of a filter that lets everything pass, for the longest repetition time, in Hz."""
    times = [float(row["repetition_time"]) for row in rows if row["repetition_time"] is not None]
    return round(0.49 / max(times, default=1.0), 4)


def _some(people):
    more = f" and {len(people) - SHOWN} more" if len(people) > SHOWN else ""
    return ", ".join(people[:SHOWN]) + more


def _brain(rows, tree):
    """Name the atlas on which the report draws maps."""
    atlas = next((row["atlas"] for row in rows if row["atlas"]), None)
    images = sorted(
        tree.atlas_images.get(atlas, ()), key=lambda path: (not path.endswith("dlabel.nii"), path)
    )
    if not images:
        return ""
    lines = ["brain:", f"  atlas: [{_scalar(images[0])}]  # where the report draws its maps"]
    if atlas in tree.atlases:
        lines.append(f"  names: {_scalar(tree.atlases[atlas])}  # number and name of every parcel")
    return "\n".join(["", *lines, ""])


def _scalar(text):
    """Write a text as YAML reads it."""
    return yaml.safe_dump([text], default_flow_style=True, width=10**6, allow_unicode=True).strip()[1:-1]


def _aligned(text):
    """Put the comments of neighbouring lines below each other, as far as lines are short."""
    lines = []
    for line in text.splitlines():
        code, mark, comment = line.partition("  #")
        if mark and code.strip():
            lines.append(
                f"{code.rstrip():<29} #{comment}"
                if len(code.rstrip()) < 30
                else f"{code.rstrip()}  #{comment}"
            )
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
