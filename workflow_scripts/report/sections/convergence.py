"""Did the searches converge, and did their restarts agree?"""

from workflow_scripts.report import discrepancies
from workflow_scripts.report.figures import convergence as figures
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.section import Section
from workflow_scripts.report.selection import shown_units

SMALL_MULTIPLES = 12  # people with a panel of their own


def section(cohort):
    """Pictures of every fit; every restart is in fits.tsv."""
    context = {"pictures": _pictures(cohort)}
    return Section("convergence", "Convergence of every restart", "convergence.html.j2", context)


def _pictures(cohort):
    found = []
    for fit in cohort.all_fits:
        rows = cohort.of_fit("convergence", fit).dropna(subset="best_cost")
        if rows.empty:
            continue
        if rows["generation"].nunique() == 1:  # a grid or a design
            found.append({"fit": fit, "n_points": int(rows["simulations_so_far"].max())})
            continue
        everyone = picture(
            figures.all_restarts, rows, alt=f"Best cost by number of simulations, every restart of fit {fit}"
        )
        units = [unit for unit in shown_units(cohort, SMALL_MULTIPLES) if unit in set(rows["key"])]
        single = picture(
            figures.by_person, rows, units, alt=f"Best and median cost by person and restart, fit {fit}"
        )
        found.append(
            {
                "fit": fit,
                "steps": discrepancies.of_fit(cohort, fit),
                "everyone": everyone,
                "single": single,
                "n_shown": len(units),
                "n": rows["key"].nunique(),
                "n_restarts": rows["restart"].nunique(),
            }
        )
    return found
