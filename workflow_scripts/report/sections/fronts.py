"""Fits with several objectives: Pareto fronts, and the candidate selected from each."""

from workflow_scripts.report.figures import fronts as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.formatting import number, objective_text
from workflow_scripts.report.section import Section


def fits(cohort):
    """Names of the fits with several objectives."""
    return [fit for fit, settings in cohort.fit_settings.items() if len(settings["objectives"]) > 1]


def section(cohort):
    """A picture per fit and a row per person."""
    return Section("fronts", "Pareto fronts", "fronts.html.j2", {"fits": _fits(cohort)})


def _fits(cohort):
    found = []
    for fit in fits(cohort):
        rows = cohort.of_fit("front", fit)
        if rows.empty:
            continue
        names = [
            objective_text(group).removeprefix("cost = ") for group in cohort.fit_settings[fit]["objectives"]
        ]
        alt = f"Pareto fronts of every person, fit {fit}: {' versus '.join(names)}"
        drawn = picture(figures.fronts, rows, names, alt=alt)
        found.append(
            {
                "fit": fit,
                "picture": drawn,
                "names": names,
                "n": rows["key"].nunique(),
                "people": [_person(key, part, len(names)) for key, part in rows.groupby("key")],
            }
        )
    return found


def _person(key, rows, count):
    """Size of a front, and the objectives of the candidate that was chosen."""
    chosen = rows[rows["selected"]]
    columns = [f"objective_{index}" for index in range(1, count + 1)]
    return {
        "key": key,
        "size": len(rows),
        "restart": int(chosen["restart"].iloc[0]) if len(chosen) else "",
        "objectives": [
            {"sort": value, "text": number(value, 3)}
            for value in (chosen[columns].iloc[0] if len(chosen) else [])
        ],
    }
