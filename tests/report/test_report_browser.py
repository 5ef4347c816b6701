"""The report in a browser: pages open, link, sort, filter and save, and ask nobody for anything."""

import csv
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from planted import FAILED, PEOPLE, SESSION
from report_cohort import MadeCohort

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SIZES = {"screen": {"width": 1300, "height": 900}, "telephone": {"width": 400, "height": 800}}


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; CHROMIUM names another one than that of the system."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=OPTIONS)
        yield opened
        opened.close()


class Visit:
    """A page in a context of its own, what it said, and what it asked for."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(viewport=SIZES["screen"], accept_downloads=True, **options)
        self.page, self.said, self.asked = self.context.new_page(), [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.context.route(re.compile("^(?!file:|data:|blob:)"), self._refuse)

    def _refuse(self, route):
        self.asked.append(route.request.url)
        route.abort()

    def open(self, path):
        """Open a file."""
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture
def visit(browser):
    """A visit that ends with the test."""
    found = Visit(browser)
    yield found
    found.context.close()


@pytest.fixture(scope="module")
def pages(report_folder):
    """Every page of the report."""
    found = sorted(report_folder.rglob("*.html"))
    assert len(found) == 3 + len(PEOPLE)
    return found


def test_pages_open_without_a_word_and_ask_for_nothing(visit, pages):
    for path in pages:
        page = visit.open(path)
        broken = (
            "Array.from(document.images).filter((image) => !image.complete || !image.naturalWidth).length"
        )
        assert page.evaluate(broken) == 0, path
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert visit.said == [] and visit.asked == [], path


def test_links_lead_somewhere(visit, pages):
    names, links = {}, set()
    for path in pages:
        page = visit.open(path)
        found = page.evaluate(
            "Array.from(document.querySelectorAll('a')).map((link) => link.getAttribute('href'))"
        )
        names[path] = set(
            page.evaluate("Array.from(document.querySelectorAll('[id]')).map((part) => part.id)")
        )
        links |= {(path, urljoin(path.as_uri(), link)) for link in found}
    outward = {link for _, link in links if not link.startswith(("file:", "data:"))}
    assert outward and all(link.startswith("https://doi.org/10.") for link in outward)
    for path, link in links:
        address, anchor = urldefrag(link)
        if address.startswith("file:"):
            target = Path(unquote(urlparse(address).path))
            assert target.is_file(), f"{path.name}: {link}"
            assert not anchor or unquote(anchor) in names[target], f"{path.name}: {link}"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_page(visit, pages, size):
    visit.page.set_viewport_size(SIZES[size])
    for path in pages[:4]:
        page = visit.open(path)
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], path


def unfolded(page):
    """A page with all of its sections open."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    return page


def test_a_link_opens_the_section_that_it_leads_to(visit, report_folder):
    page = visit.open(report_folder / "index.html")
    assert not page.locator("#people-table").is_visible()
    page.locator("nav").get_by_role("link", name="Scores").click()
    page.wait_for_selector("#people-table", state="visible")


def test_the_page_is_short_before_anything_is_unfolded(visit, report_folder):
    page = visit.open(report_folder / "index.html")
    assert page.evaluate("document.documentElement.scrollHeight") <= 6 * SIZES["screen"]["height"]
    assert page.locator("#answers").bounding_box()["y"] < SIZES["screen"]["height"] / 4


def shown(page):
    """Unit and held-out FC correlation (as it sorts) of the rows that the table of scores shows."""
    rows = page.locator("#people-table tbody tr:visible").all()
    return [
        (row.locator("th").inner_text(), float(row.locator("td").nth(2).get_attribute("data-sort")))
        for row in rows
    ]


def saved_rows(page, ending):
    """Rows of the file that the table of scores is saved as."""
    tools = page.locator("xpath=//table[@id='people-table']/ancestor::div[1]/preceding-sibling::div[1]")
    with page.expect_download() as download:
        tools.get_by_role("button", name=ending).click()
    assert download.value.suggested_filename == f"people-table.{ending.lower()}"
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if ending == "TSV" else ","))


def test_tables_sort_and_are_saved_in_that_order(visit, report_folder):
    page = unfolded(visit.open(report_folder / "index.html"))
    heading = page.locator("#people-table thead th").nth(3)
    page.locator("#people-table").scroll_into_view_if_needed()
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    values = [value for _, value in shown(page)]
    assert len(values) == len(PEOPLE) - 1 and values == sorted(values)
    heading.locator("button").press("Enter")
    assert [value for _, value in shown(page)] == sorted(values, reverse=True)
    saved = saved_rows(page, "TSV")
    assert [row[0] for row in saved[1:]] == [unit for unit, _ in shown(page)]


def test_a_table_is_filtered_and_saved_as_shown(visit, report_folder):
    person = report_folder / "people" / f"sub-{PEOPLE[0]}_ses-{SESSION}.html"
    page = visit.open(person)
    part = page.locator("#inputs")
    part.get_by_label("Filter").fill("repetition")
    assert part.locator("tbody tr:visible").count() == 1
    assert "1 of" in part.get_by_role("status").inner_text()
    with page.expect_download() as download:
        part.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").splitlines() == [
        "measure,this person,cohort median",
        "repetition time,1,1",
    ]


def test_clicking_a_point_opens_the_page_of_the_person(visit, report_folder):
    page = visit.open(report_folder / "index.html")
    point = page.locator("#answers svg.drawn a").first
    unit = point.locator("title").text_content()
    assert unit.startswith("sub-") and unit.endswith(f"_ses-{SESSION}")
    point.locator("use, path").first.click()
    page.wait_for_url(f"**/people/{unit}.html")
    assert page.locator("h1").inner_text() == unit


def test_points_are_reached_from_the_keyboard(visit, report_folder):
    page = visit.open(report_folder / "index.html")
    figure = page.locator("#answers svg.drawn").first
    assert figure.locator("a[tabindex='0']").count() == 1
    figure.locator("a[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    unit = page.evaluate("document.activeElement.querySelector('title').textContent")
    assert unit == figure.locator("a").nth(1).locator("title").text_content()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{unit}.html")


def test_people_are_next_to_each_other(visit, report_folder):
    unit = f"sub-{PEOPLE[0]}_ses-{SESSION}"
    page = visit.open(report_folder / "people" / f"{unit}.html")
    page.get_by_role("link", name="next", exact=True).click()
    assert page.locator("h1").inner_text() == f"sub-{PEOPLE[1]}_ses-{SESSION}"
    page.get_by_role("link", name="Cohort report", exact=True).click()
    page.wait_for_url("**/index.html")


def test_who_failed_has_a_page_that_says_why(visit, report_folder):
    page = visit.open(report_folder / "people" / f"sub-{FAILED}_ses-{SESSION}.html")
    assert "cannot be read" in page.locator("#mind").inner_text()
    assert page.locator("section").first.get_attribute("id") == "mind"


def test_without_scripts_everything_is_there(browser, report_folder):
    visit = Visit(browser, java_script_enabled=False)
    page = visit.open(report_folder / "index.html")
    assert page.locator("#people-table tbody tr").count() == len(PEOPLE) - 1
    assert page.locator("#people-table thead button").count() == 0
    page.locator("#connectivity summary").first.click()
    assert (
        page.locator("article.person").first.is_visible() and page.locator("article.person").last.is_visible()
    )
    page.locator("#answers svg.drawn a").first.locator("use, path").first.click()
    page.wait_for_url("**/people/*.html")
    visit.context.close()


def test_paper_shows_what_is_folded(visit, report_folder):
    page = visit.open(report_folder / "index.html")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible() and not page.locator(".tools").first.is_visible()


@pytest.fixture(scope="module")
def two_fits(tmp_path_factory):
    """The page of four people with two fits."""
    made = MadeCohort(
        tmp_path_factory.mktemp("two"), people=4, nodes=8, fits=("first", "second"), truth=False
    )
    made.page()
    return made.folder / "results" / "report" / "index.html"


def test_one_fit_is_shown_and_saved_at_a_time(visit, two_fits):
    page = unfolded(visit.open(two_fits))

    def fits_shown():
        return {
            cell.inner_text() for cell in page.locator("#people-table tbody td:nth-child(2):visible").all()
        }

    assert fits_shown() == {"first"}
    page.locator("#fit-picker").select_option("second")
    assert fits_shown() == {"second"}
    assert {row[1] for row in saved_rows(page, "TSV")[1:]} == {"second"}
    assert not page.locator("#identifiability [data-fit=first]").is_visible()
    page.locator("#fit-picker").select_option("all")
    assert fits_shown() == {"first", "second"}
    page.locator("#fit-picker").select_option("first")
    page.emulate_media(media="print")
    assert fits_shown() == {"first", "second"}
