"""Everything the report reads, in one place: tables, settings, provenance and the arrays of single people."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from workflow_scripts.cohort import left_out
from workflow_scripts.cohort.tables import read_participants
from workflow_scripts.configuration import first_fits
from workflow_scripts.configuration.parameters import coordinate_bounds
from workflow_scripts.files.archives import by_split
from workflow_scripts.files.dictionary import known_columns
from workflow_scripts.files.job import read_json
from workflow_scripts.files.result_tables import filled, read_table
from workflow_scripts.fitting import completeness, landscapes
from workflow_scripts.report.brain_maps import Brain, read_brain
from workflow_scripts.report.drawings import Drawings

KEYS = ["participant_id", "session_id"]
# Tables of the cohort. One that there is not (recovery, where the truth is unknown) has no rows.
TABLES = (
    "fits",
    "convergence",
    "front",
    "evaluation",
    "states",
    "qc",
    "missing_nodes",
    "exclusions",
    "baselines",
    "optimism",
    "fit_comparison",
    "cross",
    "contrasts",
    "identification",
    "held_out_people",
    "recovery",
    "reliability",
    "observables",
    "observable_agreement",
    "identifiability",
    "parameter_correlations",
    "profiles",
    "expected_landscapes",
    "step_costs",
    "experiments",
    "statistics",
    "statistics_models",
    "map_association",
    "null_tests",
    "nulls",
    "rewiring",
)
# Tables of evidence with rows that only say why somebody has no other: the exclusions tell them.
NOTED = ("evaluation", "cross", "held_out_people", "profiles", "nulls")
# Tables made on request, next to the others.
ON_REQUEST = ("twins", "twin_recovery")


@dataclass(frozen=True)
class Cohort:
    """A finished cohort as its tables tell it.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        Cohort tables by name. `key` names the unit (`unit` is taken: states.tsv has one for its quantities).
    files : dict of str to Path
        Where each table lies, for the links of the report.
    folder : Path
        Where the page of the cohort lies.
    ids : list of dict
        Every unit of the manifest: unit, participant_id, session_id.
    fit_settings : dict of str to dict
        Resolved settings of every fit.
    holdout : str
        run, split_half or none.
    provenance : dict
        As written with the tables; its `config` is the configuration of the whole run.
    brain : workflow_scripts.report.brain_maps.Brain
    landscapes : dict of str to dict of str to Path
        Files with the candidates of every unit, by fit.
    targets : dict of str to workflow_scripts.files.archives.Archive
        By split.
    drawings : workflow_scripts.report.drawings.Drawings
        Pictures of single people, drawn where their arrays are.
    planes : dict of str to list of Path
        Tables of expected costs over pairs of parameters, by fit.
    """

    tables: dict
    files: dict
    folder: Path
    ids: list
    fit_settings: dict
    holdout: str
    provenance: dict
    participants: pd.DataFrame
    nodes: pd.DataFrame
    brain: Brain
    landscapes: dict = field(repr=False)
    targets: dict = field(repr=False)
    drawings: Drawings = field(repr=False)
    planes: dict = field(default_factory=dict, repr=False)

    def table(self, name):
        """One cohort table, without rows where there is none: a section finds nothing, and says so."""
        return self.tables[name] if name in self.tables else pd.DataFrame(columns=["key", *known_columns()])

    def of_fit(self, name, fit):
        """The rows of a table that belong to one fit."""
        rows = self.table(name)
        return rows[rows["fit"] == fit]

    @property
    def config(self):
        return self.provenance.get("config", {})

    @property
    def smallest_group(self):
        """The fewest people about whom the shared page says anything."""
        return self.config["report"]["smallest_group"]

    @property
    def people_shown(self):
        """How many people the page of the cohort shows in full."""
        return self.config["report"]["people_shown"]

    @property
    def fits(self):
        """Names of the fits that are asked for, in the order of the config: no steps towards them."""
        return [name for name in self.fit_settings if name not in self.steps]

    @property
    def all_fits(self):
        """Names of all fits, steps of protocols included."""
        return list(self.fit_settings)

    @cached_property
    def steps(self):
        """Fits that a protocol made as a step towards another one, by name: the fit that starts there."""
        return first_fits.steps(self.config.get("fits", {}))

    @cached_property
    def units(self):
        return [entry["unit"] for entry in self.ids]

    @cached_property
    def people(self):
        """participant_id of each unit (Series indexed by unit)."""
        return pd.Series({entry["unit"]: str(entry["participant_id"]) for entry in self.ids}, dtype=object)

    def count_people(self, units):
        """How many people some units are of: those of fewer than `smallest_group` are not shared."""
        return self.people.reindex(pd.unique(pd.Series(units, dtype=object))).nunique()

    @cached_property
    def outside(self):
        """Rows of the exclusions of people, or sessions, who are in no row of the manifest."""
        rows = self.table("exclusions")
        return rows[rows["stage"].isin((left_out.INDEX, left_out.PARTICIPANTS))]

    @property
    def people_outside(self):
        """How many people of the study are in no row of the manifest."""
        return len(set(self.outside["participant_id"].astype(str)) - set(self.people))

    @cached_property
    def groups(self):
        """Group of each unit (Series), empty where the participants table knows none."""
        if "group" not in self.participants:
            return pd.Series(dtype=object)
        rows = self.participants.dropna(subset="group").drop_duplicates("participant_id")
        return self.people.map(rows.set_index("participant_id")["group"]).dropna()

    @property
    def has_heldout(self):
        return bool((self.table("evaluation")["split"] == "test").any())

    @property
    def scored_split(self):
        """The split that is reported: held-out where there is one."""
        return "test" if self.has_heldout else "train"

    @cached_property
    def successful(self):
        """Rows of `fits` that ended well, one per unit and restart."""
        rows = self.table("fits")
        counts = dict.fromkeys(["restart", "generations", "simulations"], int)
        return rows[rows["status"] == "ok"].astype({**counts, "selected": bool})

    def free(self, fit):
        """Bounds of the free coordinates of a fit, by name; None where they followed from a map."""
        rows = self.of_fit("fits", fit).dropna(axis="columns", how="all")
        known = [name.removeprefix("param_") for name in rows if name.startswith("param_")]
        return coordinate_bounds(self.fit_settings[fit]["free"], known)

    def of_unit(self, name, unit):
        """The rows of a table that belong to one unit; the table is searched once for all of them."""
        if name not in self._places:
            table = self.table(name)
            self._places[name] = table.groupby("key").indices if "key" in table else {}
        return self.table(name).iloc[self._places[name].get(unit, [])]

    @cached_property
    def _places(self):
        return {}


def read_cohort(sm, folder):
    """Read what the report needs.

    Parameters
    ----------
    sm : object
        Inputs and parameters of the rule `report`, as Snakemake gives them.
    folder : Path
        Of the page of the cohort.

    Returns
    -------
    Cohort
    """
    files = {name: Path(path) for name in TABLES for path in _as_list(getattr(sm.input, name, []))}
    on_request = {name: files["fits"].with_name(f"{name}.tsv") for name in ON_REQUEST}
    files |= {name: path for name, path in on_request.items() if path.exists()}
    tables = {name: read_table(path) for name, path in files.items()}
    check_whole(files, tables, sm.params)
    tables |= {name: filled(tables[name]) for name in NOTED if name in tables}
    participants = [pd.DataFrame(read_participants(path)) for path in _as_list(sm.input.participants)]
    return Cohort(
        tables=tables,
        files=files,
        folder=folder,
        ids=list(sm.params.units),
        fit_settings=dict(sm.params.fits),
        holdout=sm.params.holdout,
        provenance=read_json(sm.input.provenance),
        participants=participants[0] if participants else pd.DataFrame(),
        nodes=read_table(sm.input.nodes),
        brain=read_brain(sm.input.brain),
        landscapes=landscapes.by_fit(_as_list(sm.input.landscapes)),
        targets=by_split(_as_list(sm.input.targets), sm.params.splits),
        drawings=Drawings(_as_list(sm.input.drawings)),
        planes=by_folder(_as_list(getattr(sm.input, "planes", []))),
    )


def check_whole(files, tables, params):
    """Refuse tables that lack somebody of the cohort.

    Raises
    ------
    workflow_scripts.files.damage.Damaged
    """
    names = [ids["unit"] for ids in params.units]
    completeness.check_units(files["qc"], names, tables["qc"]["key"])
    for fit in params.fits:
        rows = tables["fits"][tables["fits"]["fit"] == fit]
        completeness.check_units(files["fits"], names, rows["key"])
        if "note" in tables["evaluation"]:  # those of former versions do not say who is left out
            scores = tables["evaluation"][tables["evaluation"]["fit"] == fit]
            chosen = rows.loc[rows["selected"].astype(str) == "True", "key"]
            completeness.check_units(files["evaluation"], chosen, scores["key"])


def by_folder(paths):
    """Files by the fit that names their folder: dict of str to list of Path."""
    found = {}
    for path in map(Path, paths):
        found.setdefault(path.parent.name, []).append(path)
    return found


def _as_list(paths):
    return [paths] if isinstance(paths, (str, Path)) else list(paths)
