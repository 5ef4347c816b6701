"""What the methods text says of averages, of steps and scales of a fit, and of the protocol of a paper."""

import pytest
from test_methods_text import cohort, said

from workflow_scripts.configuration import schemas
from workflow_scripts.report.methods import fits
from workflow_scripts.report.methods.sources import SOURCES

TOLD = {
    "averages": (
        {"averaged_runs": 10, "replicates": 3, "rate_limits": [2.7, 3.3]},
        "the average of simulations over the noise seeds 0 to 2",
    ),
    "left out": (
        {"averaged_runs": 10, "rate_limits": [2.7, 3.3]},
        "that diverged or had a firing rate outside 2.7 to 3.3 Hz were left out of their average",
    ),
    "coarser search": (
        {"search_steps": {"dt": 6e-3, "hemodynamic_dt": 6e-3}},
        "(6 ms in the search, where BOLD had steps of 6 ms)",
    ),
    "expected scores": (
        {"method": "linear"},
        "small or lived elsewhere, or whose feedback inhibition control failed were simulated",
    ),
    "the worst": ({"method": "linear", "flagged": "worst"}, "control failed counted as the worst. Re-tests"),
    "flagged starts": (
        {"start": {"from": "before", "shrinkage": 0.0, "flagged": 2}},
        "in the fit “before”, but for the last 2 restarts, from the best candidates flagged there.",
    ),
    "scale of a fit": ({"strongest_weight": 0.02}, "scaled to a largest weight of 0.02"),
}


@pytest.mark.parametrize("fit, words", TOLD.values(), ids=TOLD)
def test_what_a_fit_has_of_its_own_is_told(tmp_path, fit, words):
    assert words not in said(fits.sentences(cohort(tmp_path), "homogeneous"))
    assert words in said(fits.sentences(cohort(tmp_path, fit=fit), "homogeneous"))


@pytest.mark.parametrize("name", schemas.protocols())
def test_what_a_protocol_cannot_follow_is_told(tmp_path, name):
    config = {
        "connectome": {"source": "individual", "scaling": "log"},
        "fits": {"homogeneous": {"protocol": name}},
    }
    found, about = fits.sentences(cohort(tmp_path, config), "homogeneous"), schemas.protocols()[name]["about"]
    assert ("Departures from its paper" in said(found)) == ("differs" in about) == ("model" in about)
    for departure in about.get("differs", ()):
        assert departure in said(found)
    cited = {key: SOURCES[key].doi for _, keys in found[-1:] for key in keys if isinstance(key, str)}
    assert ("differs" in about) == (about["source"] in cited.values())
