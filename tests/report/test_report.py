"""The report from made tables: what must be on the page, what must not, that it needs nothing but itself."""

import re
import sys
from html.parser import HTMLParser

import pytest
from report_cohort import MadeCohort

from workflow_scripts.report import report
from workflow_scripts.report.comparison import people_to_tell, too_few
from workflow_scripts.report.figures.style import Picture

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a browser would find: what it loads and links to, images, headings in order, unclosed elements."""

    VOID = frozenset({"meta", "img", "input", "br", "link", "hr"})

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.images, self.headings, self.ids, self.open = [], [], [], [], [], []
        self.header_cells, self.tables, self._heading = [], 0, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster", "action") if name in found]
        self.loads += [found["href"]] if tag == "link" else []
        self.links += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        self.images += [{"alt": found["aria-label"]}] if tag == "svg" else []
        self.header_cells += [found] if tag == "th" else []
        self.tables += tag == "table"
        self._heading = tag == "h2"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self._heading = False

    def handle_data(self, data):
        if self._heading:
            self.headings.append(data.strip())


def text_of(page):
    """The words of a page without its markup, scripts and styles."""
    bare = re.sub(r"<(script|style)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", bare)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out, where a test reads only words: drawing takes nearly all of the time."""
    for name, module in list(sys.modules.items()):
        if name.startswith("workflow_scripts.report.") and hasattr(module, "picture"):
            monkeypatch.setattr(module, "picture", lambda *_, alt: Picture("data:,", alt))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The page of a cohort in which all went well: two fits, two restarts, known truth."""
    return MadeCohort(tmp_path_factory.mktemp("usual"), people=4, fits=("homogeneous", "another")).page()


def test_is_one_file_that_asks_for_nothing(usual):
    page = Page(usual)
    assert page.loads and all(address.startswith("data:") for address in page.loads)
    outward = [
        link
        for link in page.links
        if not link.startswith(("#", "data:", "../cohort/", "people/", "shared.html", "methods.html"))
    ]
    assert not outward
    style_and_script = "".join(
        re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", usual, flags=re.DOTALL)
    )
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", style_and_script)
    assert len(usual) < 2.5e6


def test_is_well_formed_and_accessible(usual):
    page = Page(usual)
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert all(f"{link[1:]}" in page.ids for link in page.links if link.startswith("#"))
    assert all(image["alt"].strip() for image in page.images)
    assert all("scope" in cell for cell in page.header_cells)


def test_errors_come_first_and_say_so_when_there_are_none(usual):
    assert Page(usual).headings[:3] == ["At a glance", "Errors and exclusions", "Summary"]
    assert "No errors and no exclusions." in usual


def test_every_figure_is_there(usual):
    alts = " ".join(image["alt"] for image in Page(usual).images)
    for words in (
        "baselines",
        "by person and restart",
        "Fitted parameters",
        "by group",
        "Recovered versus true",
        "Regional read-outs",
    ):
        assert words in alts
    assert usual.count('<article class="person"') == 4


def test_conditions_of_the_scores_are_stated_once(usual):
    text = text_of(usual)
    for words in (
        "pairs all",
        "band-pass none",
        "FCD window 30 s, step 5 s",
        "cost = − 1·fc_corr + 1·fcd_ks + 0.5·rate_penalty",
        "FIC analytical",
        "scoring seeds 1000-1009",
        "search noise seed 0",
    ):
        assert text.count(words) == 1, words


def test_one_fit_is_shown_at_a_time_and_sections_are_folded(usual):
    assert usual.count('<select id="fit-picker">') == 1
    assert {"homogeneous", "another"} <= set(re.findall(r'data-fit="([^"]*)"', usual))
    assert '<section id="scores">\n<details class="section">' in usual
    assert '<section id="answers">\n<h2>' in usual
    assert len(text_of(re.sub(r"<svg.*?</svg>", "", usual, flags=re.DOTALL)).split()) < 6000


def test_exclusions_are_told_before_anything_else(tmp_path, undrawn):
    page = MadeCohort(tmp_path, failed={"02": "the scan is too short"}).page()
    assert "No errors" not in page
    assert "1 problem." in text_of(page)
    assert page.index("the scan is too short") < page.index("Summary</h2>")
    assert page.count('<article class="person"') == 4
    assert "4 of 5 scored units:" in text_of(page)


def test_people_whose_rates_nothing_held_are_counted(tmp_path, undrawn):
    made = MadeCohort(tmp_path)
    outcome = made.outcome
    ended = "the best simulation ended with the status fic_failed"
    made.outcome = lambda k, *rest: outcome(k, *rest) | ({"reason": ended} if k in (1, 4) else {})
    assert "interpret the states of 2 units of 6 with care" in text_of(made.page())


def test_a_unit_without_result_or_reason_is_told_too(tmp_path, undrawn):
    made = MadeCohort(tmp_path, failed={"02": "lost"})
    made.exclusions_rows = list
    assert "no result and no recorded reason" in made.page()


def test_a_page_appears_even_when_everybody_failed(tmp_path):
    made = MadeCohort(tmp_path, people=3, failed={f"{k:02d}": "all candidates diverged" for k in (1, 2, 3)})
    text = text_of(made.page())
    assert "No participant was fitted successfully in homogeneous" in text
    assert "No unit was scored" in text
    assert "does not beat" not in text


def test_a_fit_without_success_stands_beside_one_with(tmp_path, undrawn):
    made = MadeCohort(tmp_path, fits=("works", "fails"))
    for name in ("convergence_rows", "evaluation_rows", "states_rows", "recovery_rows"):
        rows = getattr(made, name)
        setattr(made, name, lambda rows=rows: [row for row in rows() if row["fit"] == "works"])
    all_rows = made.fits_rows
    failed = {"status": "failed", "reason": "all candidates diverged", "selected": False}
    made.fits_rows = lambda: [row if row["fit"] == "works" else {**row, **failed} for row in all_rows()]
    text = text_of(made.page())
    assert "No participant was fitted successfully in fails" in text
    assert re.search("works group-mean FC FC r (worse|not distinguishable)", text)


def test_the_methods_say_that_people_started_from_a_group_with_themselves_in_it(tmp_path, undrawn):
    search = {"name": "cmaes", "population": 32, "generations": 40, "restarts": 1}
    start = {"from": "group", "connectome": "consensus", "shrinkage": 0.2, "optimizer": search}
    text = text_of(MadeCohort(tmp_path, start=start).page("methods"))
    for words in (
        "the best parameters of the group",
        "(cmaes, 1 restart of up to 40 generations of 32) to the consensus connectome",
        "the person included; held-out scans were not used",
        "A penalty of 0.2 times the mean squared distance",
        "10.1162/netn_a_00075",
    ):
        assert words in text


def test_a_fit_that_started_from_another_is_compared_with_it(tmp_path, undrawn):
    start = {"from": "homogeneous", "connectome": None, "shrinkage": 0.0, "optimizer": None}
    cohort = MadeCohort(tmp_path, fits=("homogeneous", "fine"), start=start)
    text = text_of(cohort.page())
    assert "best parameters in the fit “homogeneous”" in text_of(cohort.page("methods"))
    told = re.search(r"Change from homogeneous, .* held-out scans: FC r (\S+) .* cost (.*?)\)\.", text)
    assert told is not None and "over 6 people" in told.group(0)


def test_no_heldout_scans_no_verdict(tmp_path, undrawn):
    text = text_of(MadeCohort(tmp_path, people=2, splits=("train",)).page())
    assert "There are no held-out scans" in text
    assert "Nothing was held out: all comparisons use the scans that were fitted" in text
    assert "Paired over people, on training scans" in text


@pytest.mark.parametrize(
    ("heldout_r", "beaten"),
    [(0.05, ()), (0.45, ("SC–FC correlation",)), (0.77, ("SC–FC correlation", "group-mean FC"))],
)
def test_does_not_beat_appears_exactly_where_it_should(tmp_path, undrawn, heldout_r, beaten):
    text = text_of(MadeCohort(tmp_path, heldout_r=heldout_r, truth=False).page())
    for baseline in ("SC–FC correlation", "group-mean FC"):
        assert (f"homogeneous {baseline} FC r better" in text) == (baseline in beaten)
        assert (f"homogeneous {baseline} FC r worse" in text) == (baseline not in beaten)


def test_per_person_marks_follow_the_means(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=3, truth=False)
    rows = made.evaluation_rows()
    for row in rows:
        if row["measure"] == "fc_corr" and row["split"] == "test":
            row["mean"] = 0.99 if row["participant_id"] == "01" else -0.5
    made.evaluation_rows = lambda: rows
    body = made.page().split('id="people-table"')[1].split("</table>")[0]
    people = ("sub-01", "sub-02")
    marks = {person: body.split(f">{person}<")[1].split("</tr>")[0].count("✗") for person in people}
    # the KS does not beat a second scan, the FC correlation all or nothing
    assert marks == {"sub-01": 1, "sub-02": 4}


def comparison(**changes):
    """A row of fit_comparison.tsv."""
    usual = {"fit": "it", "other": "sc_fc", "measure": "fc_corr", "n_people": 12, "fit_mean": 0.47}
    usual |= {"other_mean": 0.41, "difference": 0.06, "low": 0.02, "high": 0.1, "p": 0.004}
    usual |= {"p_corrected": 0.008, "n_better": 11, "effect_size": 0.9, "verdict": "better"}
    return usual | changes


def test_people_needed_are_told_where_a_verdict_is_open():
    assert people_to_tell(comparison(), 2) == "–"
    unsure = comparison(p_corrected=0.2, effect_size=0.3, verdict="not distinguishable")
    assert people_to_tell(unsure, 2) == "90"
    assert people_to_tell(unsure | {"effect_size": 0.001}, 2) == "> 2,000"
    assert people_to_tell(unsure | {"n_people": 6}, 2) == "more"


def test_too_few_people_for_a_verdict_are_told_so():
    five = comparison(n_people=5, n_better=5, verdict="too few people")
    assert "no verdict" in too_few([comparison(), five]) and not too_few([comparison()])
    assert people_to_tell(five, 2) == "–"


def test_what_users_write_is_escaped(tmp_path, undrawn):
    made = MadeCohort(tmp_path, ids=["1", "2", "3"], failed={"3": "<script>alert(1)</script> & more"})
    made.node_table.loc[0, "network"] = "<i>Vis&"
    page = made.page()
    assert "<script>alert" not in page and "<b>" not in page and "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert not Page(page).open


def test_identifiability_tells_a_ridge_and_a_recovered_parameter(tmp_path, undrawn):
    page = text_of(MadeCohort(tmp_path, people=10).page())
    assert re.search(r"Do not interpret individual differences in [^:]*w_p", page)
    assert re.search(r"On a ridge, so only a combination is determined: w_p and J_N\.", page)
    assert re.search(
        r"G \d+ ([−\d.]+ ){2}[\d.]+ \(0\.\d+\) – ± [^a-z]+ of 10 ([−\d.]+ ){3}"
        "repeatable over searches, and recovered",
        page,
    )


def test_a_lone_parameter_is_drawn_and_named(tmp_path):
    made = MadeCohort(tmp_path, people=2, nodes=8, restarts=1)
    settings = made.settings("homogeneous")
    made.settings = lambda fit: {**settings, "free": {"G": [0.5, 5.0]}, "fixed": {"w_p": 1.4}}
    assert "one point per unit, restarts joined by lines: G" in made.page()
    assert "Free parameters: G in [0.5, 5]; fixed: w_p = 1.4" in made.page("methods")


def test_one_restart_cannot_be_judged(tmp_path, undrawn):
    text = text_of(MadeCohort(tmp_path, people=3, restarts=1, truth=False).page())
    assert "Use two or more restarts" in text
    assert "Use at least two restarts and two people" in text


def test_sessions_of_a_person_count_once(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=4, truth=False)
    made.ids = [
        {
            "unit": f"sub-{entry['participant_id']}_ses-{session}",
            "participant_id": entry["participant_id"],
            "session_id": session,
        }
        for entry in made.ids
        for session in ("a", "b")
    ]
    text = text_of(made.page())
    assert "sub-01_ses-b" in text
    assert re.search(r"group-mean FC FC r (worse|not distinguishable|too few people).{1,60}0 of 4", text)


def test_two_people_one_restart_and_intrahemispheric_pairs_are_drawn(tmp_path):
    page = MadeCohort(tmp_path, people=2, pairs="intrahemispheric", restarts=1, truth=False).page()
    assert page.count('<article class="person"') == 2
    assert "Group-mean FC is the mean of only 1 other person" in page
    assert "pairs intrahemispheric" in text_of(page)


def test_large_cohorts_show_some_people_and_stay_small(tmp_path):
    page = MadeCohort(tmp_path, people=12, nodes=8, truth=False, generations=4).page()
    assert page.count('<article class="person"') == 4
    assert "4 of 12 scored units:" in text_of(page)
    assert page.count("(best fits)") == page.count("(worst fits)") == 2
    assert len(page) < 3e6


def test_same_results_same_page(tmp_path):
    made = MadeCohort(tmp_path, people=1, nodes=8, truth=False)
    sm = made.write()
    pages = []
    for _ in range(2):
        report.main(sm)
        with open(sm.output.page, encoding="utf-8") as file:
            pages.append(file.read())
    assert pages[0] == pages[1]


def test_fronts_are_shown_where_there_are_several_objectives(tmp_path, usual):
    assert "Pareto fronts" not in usual
    groups = [{"fc_corr": 1.0}, {"fcd_ks": 1.0}]
    made = MadeCohort(tmp_path, people=3, objectives=groups)
    text, methods = text_of(made.page()), text_of(made.page("methods"))
    assert "Pareto fronts of 3 units, fit homogeneous" in text
    assert "2 objectives were minimised simultaneously: (1) the negative correlation" in methods
    assert "The candidate nearest to the ideal point" in text
    assert "the candidate nearest to the ideal point" in methods
    assert "cost = − 1·fc_corr; cost = + 1·fcd_ks".replace("+ ", "") in text
