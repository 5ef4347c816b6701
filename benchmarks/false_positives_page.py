"""The result of false_positives.py as Markdown."""

from null_cohorts import COMBAT_SHARE, LEVEL, PERMUTATIONS, REFITS, RESPONSES, SHAPES, TRUE_DIFFERENCE

_HEAD = """\
# False positives of the cohort statistics

{date}, `python benchmarks/false_positives.py`, seed {seed}. {cohorts} synthetic cohorts a row with
{responses} parameters each, which are {sets:,} data sets, and {permutations} permutations. Share of p ≤ .05
for a group difference that is not there, in %; 5 ± {margin:.1f} is as it should be (two Monte-Carlo standard
errors; **bold**: above). t: ordinary least squares, or a mixed model where a random intercept is named;
perm.: Freedman and Lane with the statistic HC3. Bounded: a third of the people at the lower, a sixth at the
upper bound. ComBat: {refits} permutations, {combat_cohorts} cohorts of {responses} regions."""

_COVERAGE = """\
## Intervals of a difference that is there

{difference} standard deviations between two groups, and age as a covariate: how often 95 % intervals of the
difference and of Hedges' g hold the truth, and how often p < .05, in %."""

_FITTED = """\
## Labels drawn anew on fitted tables

{people} synthetic people, simulated and fitted (`benchmarks/false_positives.yaml`); labels drawn {times}
times, at random or so that better fits are in one group. Share of p ≤ .05 in %, and twice its Monte-Carlo
standard error: states of one person go together, so that rates over them scatter."""

_NOTE = """\
Without the covariate, what differs between the groups is taken for an effect of the group, by any test. Where
it was measured with error, or acts along a curve (skewed parameters are an exponential), it is adjusted for
in part only. A change between two sessions, or a slope over several, needs the change of motion as a
covariate in the same way. ComBat keeps what the groups seem to explain while it estimates the sites: tested
once afterwards, as if sites had never been estimated, it finds too much; repeated in every permutation, it
does not."""


def markdown(result):
    """The result, for people."""
    margin = 200 * min(row["error"] for row in result["rates"])
    shared = {"responses": RESPONSES, "permutations": PERMUTATIONS, "refits": REFITS, "margin": margin}
    shared |= {"sets": RESPONSES * result["cohorts"], "combat_cohorts": result["cohorts"] // COMBAT_SHARE}
    covered = [
        (row["n"], row["parameters"], *(f"{100 * row[key]:.1f}" for key in ("difference", "g", "power")))
        for row in result["coverage"]
    ]
    parts = [
        _HEAD.format(**result, **shared),
        _rate_table(result["rates"]),
        _NOTE,
        _COVERAGE.format(difference=TRUE_DIFFERENCE),
        _table(("people", "parameters", "difference", "g", "found"), covered),
    ]
    return "\n\n".join([*parts, *(_fitted_parts(result) if "fitted" in result else ())]) + "\n"


def _fitted_parts(result):
    names = ("fit", "labels", "quantity", "model", "tests")
    drawn = [
        (*(row[name] for name in names), *_both(row), f"{200 * row['error']:.1f}") for row in result["fitted"]
    ]
    numbers = ("true", "estimate", "low", "high", "p")
    found = [
        (row["fit"], row["parameter"], row["people"], *(f"{row[name]:.3g}" for name in numbers))
        for row in result["recovered"]
    ]
    return [
        _FITTED.format(people=result["fitted"][0]["people"], times=4 * result["cohorts"]),
        _table((*names, "t", "perm.", "2 SE"), drawn),
        "## The group difference that was put in",
        _table(("fit", "parameter", "people", "true difference", "estimate", "95 % from", "to", "p"), found),
    ]


def _rate_table(rows):
    """A line per scenario and model, shapes of parameters side by side."""
    lines = {}
    for row in rows:
        cells = lines.setdefault((row["scenario"], row["n"], row["model"]), [])
        cells += _both(row)
    head = [f"{shape}: {kind}" for shape in SHAPES for kind in ("t", "perm.")]
    return _table(
        ("without effect", "people", "model", *head), [(*key, *cells) for key, cells in lines.items()]
    )


def _both(row):
    """Rates by t and by permutation in %, bold where they are too high."""
    return [_rate(row[kind], row["error"]) for kind in ("t", "permutation")]


def _rate(share, error):
    if share is None:
        return ""
    return f"**{100 * share:.1f}**" if share > LEVEL + 2 * error else f"{100 * share:.1f}"


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
