"""Which units the page shows in full when the cohort is too large to show all."""


def shown_units(cohort, limit):
    """At most `limit` scored units: all of them, else the best two, the worst two and the first of the rest.

    Returns
    -------
    list of str
        In the order of the cohort.
    """
    scores = judged_cost(cohort)
    units = [unit for unit in cohort.units if unit in set(scores.index)] or list(
        dict.fromkeys(cohort.successful["key"])
    )
    if len(units) <= limit:
        return units
    extremes = extreme_units(cohort)
    rest = [unit for unit in units if unit not in extremes]
    kept = set(extremes) | set(rest[: limit - len(extremes)])
    return [unit for unit in units if unit in kept]


def extreme_units(cohort, each=2):
    """The units with the lowest and the highest cost in the first scored fit: dict unit -> "best" or "worst".

    Empty for fewer than four units, who need no such names.
    """
    ranked = list(judged_cost(cohort).sort_values().index)
    each = min(each, len(ranked) // 4)
    if not each:
        return {}
    return dict.fromkeys(ranked[:each], "best") | dict.fromkeys(ranked[-each:], "worst")


def judged_cost(cohort):
    """Cost on the judging split of the first fit that has scores (Series by unit)."""
    evaluation = cohort.table("evaluation")
    rows = evaluation[(evaluation["measure"] == "cost") & (evaluation["split"] == cohort.scored_split)]
    for fit in cohort.fits:
        mine = rows[rows["fit"] == fit].dropna(subset="mean")
        if len(mine):
            return mine.set_index("key")["mean"]
    return rows.set_index("key")["mean"]
