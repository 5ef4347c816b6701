"""Summary of the index: files, people, choices, exclusions and reasons."""

from collections import Counter

from workflow_scripts.files import pointers

SHOWN = 5


def describe(tree, cohort, remarks):
    """Report what was found, paired and excluded.

    Parameters
    ----------
    tree : workflow_scripts.index.walk.Tree
    cohort : workflow_scripts.index.pairing.Cohort
    remarks : list of str
        Choices that were made, and what else a person should know.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [f"Found {tree.n_files} files of {len(tree.people)} people."]
    lines += _recognised(tree) + _paired(cohort)
    lines += _section("Chosen and to be known", [*remarks, *cohort.remarks])
    lines += _section("Content not fetched (the workflow refuses to start without)", _unfetched(cohort.rows))
    reasons = {}
    for entry in cohort.left_out:
        reasons.setdefault(entry["reason"], []).append(entry)
    lines += _section("Left out (all of it in left_out.tsv)", _grouped(reasons))
    lines += _section("Not scans to be fitted", _refused(tree))
    lines += _section("Nothing says whose they are", _shortened(tree.nameless))
    lines += _section("Links that lead nowhere (fetch their content)", _shortened(tree.broken))
    unknown = [f"{count} x {shape}" for shape, count in tree.unknown.most_common(SHOWN)]
    rest = len(tree.unknown) - len(unknown)
    unknown += [f"and {rest} other kinds of names"] if rest > 0 else []
    return lines + _section(
        f"Other files: {tree.unknown.total()}, of {len(tree.unknown)} kinds of names", unknown
    )


def _unfetched(rows):
    """Count the files of the manifest that are pointers to content elsewhere."""
    found = [(row["path"], text) for row in rows if (text := pointers.unfetched(row["path"]))]
    kinds = {}
    for path, text in found:
        kinds.setdefault(text.removeprefix(path), []).append(text)
    listed = [f"{len(texts)} files, the first {texts[0]}" for texts in kinds.values()]
    return [f"{len(found)} files in all", *listed] if found else []


def _refused(tree):
    """Count the files that look like scans and are not, by kind."""
    reasons = {}
    for shape, (count, why) in sorted(tree.refused.items()):
        total, example = reasons.get(why, (0, shape))
        reasons[why] = (total + count, example)
    return [f"{count} files, such as {example}: {why}" for why, (count, example) in reasons.items()]


def _recognised(tree):
    """Count the files of every kind and format."""
    counts = Counter()
    for variant in tree.variants:
        counts[f"{variant.kind}, {variant.format}, {variant.facts['dataset']}"] += sum(
            map(len, variant.files.values())
        )
    return _section("Recognised", [f"{name}: {count} files" for name, count in sorted(counts.items())])


def _paired(cohort):
    """Count the people, sessions and rows of the manifest."""
    rows = cohort.rows
    sessions = {
        kind: {(row["participant_id"], row["session_id"]) for row in rows if row["kind"] == kind}
        for kind in ("sc", "bold")
    }
    people = {row["participant_id"] for row in rows}
    kinds = Counter(row["kind"] for row in rows)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    told = [f"{len(people)} people, {len(sessions['bold'])} sessions with scans; rows: {listed or 'none'}"]
    shared = {participant for participant, session in sessions["sc"] if not session}
    alone = {unit for unit in sessions["bold"] - sessions["sc"] if unit[0] not in shared}
    if sessions["sc"] and alone:
        told.append(
            f"{len(alone)} sessions have scans but no connectome of their own: choose connectome.session "
            "(nearest, first or mean), or they are excluded"
        )
    return _section("In the manifest", told)


def _grouped(reasons):
    """Give one line per reason, with the first few people."""
    lines = []
    for reason, entries in sorted(reasons.items()):
        people = list(dict.fromkeys(entry["participant_id"] for entry in entries))
        lines.append(f"{reason}: {len(entries)} ({', '.join(_shortened(people))})")
    return lines


def _shortened(words):
    return [*words[:SHOWN], f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else list(words)


def _section(title, lines):
    return [f"{title}:", *(f"  - {line}" for line in lines)] if lines else []
