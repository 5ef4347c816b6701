"""The page of one person: identity, failures and inputs (its fits: person_fits)."""

from functools import cached_property

import numpy as np
import pandas as pd

from workflow_scripts.report.cohort import KEYS
from workflow_scripts.report.figures.markup import person_address
from workflow_scripts.report.formatting import MISSING, significant
from workflow_scripts.report.person_fits import FitsOfPeople
from workflow_scripts.report.sections.connectivity import PLACE

HIDDEN = {*KEYS, "key", "flags", "notes"}


class People:
    """Contexts of the pages of all people; what concerns the whole cohort is computed once.

    Parameters
    ----------
    cohort : Cohort
    problems : list of dict
        Every exclusion and failure, with key, stage, fit and reason.
    """

    def __init__(self, cohort, problems):
        self.cohort, self.fits = cohort, FitsOfPeople(cohort)
        self.problems = {}
        for problem in problems:
            self.problems.setdefault(problem["key"], []).append(problem)

    def context(self, unit):
        """Everything that the page of a unit shows, as a dict."""
        pictures = self.cohort.drawings.of(unit)
        rows = self.cohort.of_unit("qc", unit).to_dict("records")
        fits = [self.fits.context(unit, fit, pictures) for fit in self.cohort.fits]
        return {
            "unit": unit,
            **self._neighbours(unit),
            "covariates": self._covariates(unit),
            "sessions": self._sessions(unit),
            "problems": self.problems.get(unit, []),
            "flags": [row[name] for row in rows for name in ("flags", "notes") if _is_text(row.get(name))],
            "inputs": self._inputs(rows[0]) if rows else [],
            "missing": self.cohort.of_unit("missing_nodes", unit).to_dict("records"),
            "fits": fits,
            "cautions": [text for fit in fits for text in fit["cautions"]],
            "connectivity": pictures.get(PLACE),
            "split": {"test": "held-out", "train": "training"}[self.cohort.scored_split],
        }

    def _neighbours(self, unit):
        """The previous and next unit of the cohort, and the position of this one."""
        place = self._place[unit]
        units = self.cohort.units
        return {
            "number": place + 1,
            "previous": _link(units[place - 1]) if place else None,
            "next": _link(units[place + 1]) if place + 1 < len(units) else None,
        }

    @cached_property
    def _place(self):
        return {unit: place for place, unit in enumerate(self.cohort.units)}

    def _covariates(self, unit):
        """Every column that the participants table has for this person (and session, if it has sessions)."""
        entry = self.cohort.ids[self._place[unit]]
        found = {"participant": entry["participant_id"]}
        if entry.get("session_id"):
            found["session"] = entry["session_id"]
        for row in self._participants.get(str(entry["participant_id"]), []):
            session = row.get("session_id")
            if not _is_text(session) or session == entry.get("session_id"):
                found |= {name: _text(value) for name, value in row.items() if name not in {*KEYS, "key"}}
        return list(found.items())

    @cached_property
    def _participants(self):
        rows = {}
        for row in self.cohort.participants.to_dict("records"):
            rows.setdefault(str(row["participant_id"]), []).append(row)
        return rows

    def _sessions(self, unit):
        """The other units of the same person."""
        person = self.cohort.people[unit]
        return [_link(other) for other in self._units_of.get(person, []) if other != unit]

    @cached_property
    def _units_of(self):
        found = {}
        for unit, person in self.cohort.people.items():
            found.setdefault(person, []).append(unit)
        return found

    def _inputs(self, row):
        """Quality control of the unit, with the cohort median."""
        return [
            {"name": name.replace("_", " "), "text": _text(value), "median": self._medians.get(name, MISSING)}
            for name, value in row.items()
            if name not in HIDDEN and not _is_missing(value)
        ]

    @cached_property
    def _medians(self):
        numbers = self.cohort.table("qc").select_dtypes("number")
        return {name: _text(numbers[name].median()) for name in numbers}


def _link(unit):
    return {"unit": unit, "href": person_address(unit)}


def _is_text(value):
    return isinstance(value, str) and value != ""


def _is_missing(value):
    return not isinstance(value, str) and bool(pd.isna(value))


def _text(value):
    """A value of a table of the user's, as it is read best."""
    if _is_missing(value):
        return MISSING
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return str(value)
    return f"{value:,.0f}" if value == int(value) else significant(value, 4)
