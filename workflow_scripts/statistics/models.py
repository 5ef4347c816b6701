"""The statistical model of a cohort where the configuration names none, and how small a sample may be."""

DEFAULT_NAME = "group"
DEFAULT_COVARIATES = ("age", "sex", "mean_fd", "site")
WORDS = ("participant_id", "session_id", "sex", "group", "site", "family")  # text, whatever they look like
SHARE_KNOWN = 0.9  # of the people, for a covariate that nobody asked for
FAMILY = "family"
FEWEST_DF = 3  # residual degrees of freedom
FEWEST_PER_LEVEL = 2


def default_model(people):
    """Difference between groups, adjusted for what the participants table has of age, sex, motion and site.

    Where it names families with several members, they share a random intercept: relatives are alike, and
    counted as independent they find differences that are not there.

    Parameters
    ----------
    people : pandas.DataFrame
        One row per person and session, as of :func:`workflow_scripts.statistics.covariates.people_table`.

    Returns
    -------
    dict of str to dict
        One model; none without at least two groups.
    """
    if "group" not in people or people["group"].nunique() < 2:
        return {}
    used = [name for name in DEFAULT_COVARIATES if name in people and _is_useful(people[name])]
    stated = {"formula": " + ".join(["group", *used]), "test": ["group"], "states": None}
    stated |= {"quantities": ["parameters", "states", "scores"], "reference": {}}
    random = FAMILY if _has_relatives(people) else None
    stated |= {"random": random, "blocks": None, "exchange": "within"}
    return {DEFAULT_NAME: {**stated, "response": "value", "sessions": None, "time": None, "combat": None}}


def _has_relatives(people):
    """Whether families are known, and some of them have several members."""
    if FAMILY not in people or not _is_useful(people[FAMILY]):
        return False
    return people.drop_duplicates("participant_id")[FAMILY].dropna().duplicated().any()


def _is_useful(values):
    """Whether a covariate varies and hardly anybody lacks it."""
    return values.nunique() > 1 and values.notna().mean() >= SHARE_KNOWN
