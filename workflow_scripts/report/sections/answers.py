"""The first screen: who is in, and a line for each question that a reader asks first, with a link to more."""

from cubnm_core.statistics.paired import BETTER, TOO_FEW, WORSE
from workflow_scripts.report.comparison import MEASURES, interval
from workflow_scripts.report.formatting import MISSING, number
from workflow_scripts.report.section import Section
from workflow_scripts.report.sections import exclusions, identifiability, personal, scores, statistics
from workflow_scripts.report.sections.reliability import SINGLE
from workflow_scripts.statistics.corrections import EXPLORATORY

#: Baselines of FC that a personal model should beat, and what the last row is held against.
HELD_AGAINST = {
    "sc_fc": "Better than the connectome alone?",
    "group_mean_fc": "Better than the mean FC of the others?",
    "scan_rescan_fc": "As good as a second scan?",
}
OWN_CONNECTOME, PARAMETER = "connectome_others", "parameter"
GOOD, BAD, OPEN = "good", "bad", "open"  # classes of the marks
_NAMED = 6  # people


def section(cohort):
    """Counts, and a row of answers for every question, a column for every fit."""
    problems = exclusions.problems(cohort)
    missing = {problem["key"] for problem in problems}
    context = {
        "people": cohort.people.nunique(),
        "missing": sorted(missing)[:_NAMED],
        "n_missing": len(missing),
        "fits": cohort.fits,
        "rows": [row for row in _rows(cohort) if any(answer["text"] != MISSING for answer in row["answers"])],
        "split": "held-out" if cohort.holdout != "none" else "training",
        "picture": scores.draw_glance(cohort),
    }
    return Section("answers", "At a glance", "answers.html.j2", context, unfolded=True)


def _rows(cohort):
    for baseline, question in HELD_AGAINST.items():
        yield _row(question, "scores", [_against(cohort, fit, baseline) for fit in cohort.fits])
    yield _row(
        "Personal: own connectome better than others’?",
        "personal",
        [_personal(cohort, fit) for fit in cohort.fits],
    )
    yield _row(
        "Which parameters are identifiable?",
        "identifiability",
        [_identifiable(cohort, fit) for fit in cohort.fits],
    )
    yield _row("Reliable over sessions?", "reliability", [_reliable(cohort, fit) for fit in cohort.fits])
    yield _row(
        "Do parameters differ between groups?", "statistics", [_groups(cohort, fit) for fit in cohort.fits]
    )


def _row(question, anchor, answers):
    return {"question": question, "anchor": anchor, "answers": answers}


def _answer(mark, text, detail=""):
    return {"mark": mark, "text": text, "detail": detail}


_NOTHING = _answer(OPEN, MISSING)


def _against(cohort, fit, baseline):
    """Verdict on the correlation of FC with that of the scan, beside a baseline."""
    rows = cohort.of_fit("fit_comparison", fit)
    rows = rows[(rows["other"] == baseline) & (rows["measure"] == "fc_corr")]
    return _judged(rows)


def _personal(cohort, fit):
    rows = cohort.of_fit("contrasts", fit)
    rows = rows[(rows["contrast"] == OWN_CONNECTOME) & (rows["measure"] == "fc_corr")]
    if rows.empty:
        return _NOTHING
    split = "test" if (rows["split"] == "test").any() else "train"
    return _judged(personal.fair(rows[rows["split"] == split]).iloc[:1])


def _judged(rows):
    """A verdict with the difference and its interval."""
    if rows.empty:
        return _NOTHING
    row = rows.iloc[0]
    if row["verdict"] == TOO_FEW:
        return _answer(OPEN, "too few people for a verdict")
    mark = {BETTER: GOOD, WORSE: BAD}.get(row["verdict"], OPEN)
    return _answer(mark, row["verdict"], f"{MEASURES['fc_corr']} {interval(row)}")


def _identifiable(cohort, fit):
    """Parameters whose differences between people may be interpreted, and those that may not."""
    told, lost = (
        identifiability.parameter_verdicts(cohort, fit),
        identifiability.not_identifiable(cohort, fit),
    )
    if not told:
        return _NOTHING
    sure = [name for name, words in told.items() if words.startswith(identifiability.REPEATABLE)]
    open_ones = [
        f"{name} ({words.split(':')[0]})" for name, words in told.items() if name not in [*sure, *lost]
    ]
    rest = "; ".join([*open_ones, *([f"not: {', '.join(lost)}"] if lost else [])])
    if not sure:
        return _answer(OPEN if open_ones else BAD, "none", rest)
    return _answer(OPEN if rest else GOOD, ", ".join(sure), rest)


def _reliable(cohort, fit):
    """ICC of single sessions, with intervals."""
    rows = cohort.of_fit("reliability", fit)
    if rows.empty:
        return _NOTHING
    rows = rows[(rows["quantity"] == PARAMETER) & (rows["icc_type"] == SINGLE)].dropna(subset="icc")
    if rows.empty:
        return _NOTHING
    told = [
        f"{row['variable']} {number(row['icc'])} [{number(row['low'])}, {number(row['high'])}]"
        for row in rows.to_dict("records")
    ]
    good = bool((rows["low"] > 0).all())
    return _answer(GOOD if good else OPEN, "above 0" if good else "not shown", f"{SINGLE}: {', '.join(told)}")


def _effects(rows):
    """The strongest effects with their intervals, at most two."""
    best = rows.reindex(rows["effect_size"].abs().sort_values(ascending=False).index)[:2]
    return ", ".join(f"{row['variable']} {statistics.effect_text(row)}" for row in best.to_dict("records"))


def _groups(cohort, fit):
    """Tests of parameters: only of those that are identifiable is a difference a finding."""
    rows = cohort.of_fit("statistics", fit)
    if rows.empty:
        return _NOTHING
    rows = rows[(rows["quantity"] == PARAMETER) & (rows["role"] == EXPLORATORY) & (rows["sample"] == "all")]
    if rows.empty:
        return _NOTHING
    alpha = statistics.level(cohort)
    hits = rows[statistics.corrected(rows) < alpha]
    lost = identifiability.not_identifiable(cohort, fit)
    sound = [name for name in dict.fromkeys(hits["variable"]) if name not in lost]
    doubtful = [name for name in dict.fromkeys(hits["variable"]) if name in lost]
    detail = f"not identifiable, so no finding: {', '.join(doubtful)}" if doubtful else ""
    if sound:
        told = _effects(hits[hits["variable"].isin(sound)])
        return _answer(GOOD, ", ".join(sound), "; ".join(filter(None, [told, detail])))
    count = rows["variable"].nunique()
    if doubtful:
        return _answer(OPEN, "no finding", f"below {alpha:g}, but not identifiable: {', '.join(doubtful)}")
    text = f"no test of {count} parameter{'s' if count > 1 else ''} below {alpha:g}"
    known = statistics.corrected(rows).dropna()
    return _answer(OPEN, text, _effects(rows.loc[[known.idxmin()]]) if len(known) else "")
