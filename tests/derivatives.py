"""Made folders of derivatives, with the names that XCP-D, QSIRecon and BIDS datasets have."""

import json
from pathlib import Path

import numpy as np

LABELS = ("LH_Vis_1", "LH_SomMot_1", "LH_Cont_1", "RH_Vis_1", "RH_SomMot_1", "RH_Cont_1", "LH-Pu", "RH-Pu")
ATLASES = ("4S156Parcels", "4S456Parcels")


def stem(participant, session=None):
    """First part of every name."""
    return f"sub-{participant}" + (f"_ses-{session}" if session else "")


def folder(root, participant, session=None, kind="func"):
    """Folder of a person, made if needed."""
    parts = [f"sub-{participant}", *([f"ses-{session}"] if session else []), kind]
    path = Path(root).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def add_xcpd(root, participant, runs=("1", "2"), session=None, atlases=ATLASES, volumes=0, task="rest"):
    """Write what XCP-D leaves of every run: time series, matrices, coverage, motion, descriptions."""
    place = folder(root, participant, session)
    for run in runs:
        named = f"_run-{run}" if run else ""
        scan = f"{stem(participant, session)}_task-{task}{named}"
        per_volume = "framewise_displacement\n" + "0\n" * max(volumes, 1)
        for name in ("motion", "outliers"):
            (place / f"{scan}_{name}.tsv").write_text(per_volume, encoding="utf-8")
        description = json.dumps({"RepetitionTime": 0.8})
        (place / f"{scan}_space-fsLR_den-91k_desc-denoised_bold.json").write_text(description)
        for atlas in atlases:
            file = f"{scan}_space-fsLR_seg-{atlas}"
            (place / f"{file}_stat-mean_timeseries.tsv").write_text(_series(volumes), encoding="utf-8")
            (place / f"{file}_stat-mean_timeseries.json").write_text('{"SamplingFrequency": "TR"}')
            (place / f"{file}_den-91k_stat-mean_timeseries.ptseries.nii").write_bytes(b"")
            (place / f"{file}_stat-coverage_bold.tsv").write_text("Node\tcoverage\n", encoding="utf-8")
            (place / f"{file}_stat-pearsoncorrelation_relmat.tsv").write_text("Node\n", encoding="utf-8")


def _series(volumes):
    """Noise with the labels of the parcels above it."""
    noise = np.random.default_rng(volumes).standard_normal((volumes, len(LABELS)))
    lines = ["\t".join(LABELS), *("\t".join(f"{value:.4f}" for value in row) for row in noise)]
    return "\n".join(lines) + "\n"


def add_atlas(root, atlas):
    """Write the table of an atlas as XCP-D does."""
    place = Path(root) / "atlases" / f"atlas-{atlas}"
    place.mkdir(parents=True, exist_ok=True)
    lines = ["index\tlabel", *(f"{number}\t{label}" for number, label in enumerate(LABELS, start=1))]
    (place / f"atlas-{atlas}_dseg.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def qsirecon_content(atlases=("4S156Parcels",)):
    """Arrays of a connectivity file of QSIRecon."""
    labels = np.array(LABELS, dtype=object)
    values = np.random.default_rng(1).lognormal(size=(len(LABELS), len(LABELS)))
    arrays = {}
    for atlas in atlases:
        arrays[f"atlas_{atlas}_region_ids"] = np.arange(1, len(LABELS) + 1)
        arrays[f"atlas_{atlas}_region_labels"] = labels
        for measure in ("sift_invnodevol_radius2_count", "radius2_count", "radius2_meanlength"):
            arrays[f"atlas_{atlas}_{measure}_connectivity"] = values + values.T
    return arrays


def add_qsirecon(root, participant, session=None, content=None):
    """Write a connectivity file of QSIRecon; `content` are its bytes, made if not given."""
    place = folder(root, participant, session, "dwi")
    path = place / f"{stem(participant, session)}_space-ACPC_connectivity.mat"
    if content is not None:
        path.write_bytes(content)
        return
    from scipy.io import savemat

    savemat(path, qsirecon_content())


def add_bids(root, people, sessions=()):
    """Write participants.tsv of a BIDS dataset, and the sessions of everybody with their dates."""
    Path(root).mkdir(parents=True, exist_ok=True)
    lines = [
        "participant_id\tage\tsex",
        *(f"sub-{person}\t{20 + place}\tF" for place, person in enumerate(people)),
    ]
    (Path(root) / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for person in people if sessions else ():
        table = ["session_id\tacq_time", *(f"ses-{name}\t{date}" for name, date in sessions)]
        place = Path(root) / f"sub-{person}"
        place.mkdir(exist_ok=True)
        (place / f"sub-{person}_sessions.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
