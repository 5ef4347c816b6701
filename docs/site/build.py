"""Build the documentation as a site: `make docs`, or `python docs/site/build.py FOLDER`.

Collects the pages of docs/ and a few from elsewhere in the repository in one folder and redirects the links
between them. The start page is docs/README.md; a folder's README.md becomes its index; contents.md orders the
pages. The pages on configuration keys, tables and functions are generated.
"""

import argparse
import posixpath
import re
import shutil
import sys
import tempfile
from pathlib import Path

import generated
from latex2mathml.converter import convert
from sphinx.cmd.build import build_main

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent
ELSEWHERE = {
    "README.md": "about.md",
    "config/README.md": "configuration.md",
    "benchmarks/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
BLOCK = re.compile(r"^```math\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$`(.+?)`\$")
LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
PICTURE = re.compile(r"!\[([^\[\]]*)\]\(([^)\s]+)\)")


def main():
    """Assemble the pages and let Sphinx make the site; a broken link is an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the site goes")
    folder = parser.parse_args().folder.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        assemble(source)
        failed = build_main(["-q", "-W", "--keep-going", "-b", "html", str(source), str(folder)])
    if not failed:
        print(f"the documentation: {folder / 'index.html'}")
    return failed


def assemble(folder):
    """Write everything that Sphinx reads into a folder."""
    pages = places()
    for source, page in pages.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        path = folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(with_equations(with_links(text, source, page, pages)), encoding="utf-8")
    for page, text in generated.pages(ROOT).items():
        (folder / page).write_text(text, encoding="utf-8")
    with (folder / "index.md").open("a", encoding="utf-8") as start_page:
        start_page.write((SITE / "contents.md").read_text(encoding="utf-8"))
    shutil.copytree(ROOT / "docs" / "pictures", folder / "pictures")
    (folder / "_static").mkdir()
    for name, place in (("conf.py", "."), ("site.css", "_static")):
        shutil.copy(SITE / name, folder / place)


def places():
    """Give the place in the site of every page, by its place in the repository."""
    found, docs = dict(ELSEWHERE), ROOT / "docs"
    for path in docs.rglob("*.md"):
        if path.parent != SITE:
            place = path.relative_to(docs)
            found[f"docs/{place}"] = str(place.with_name("index.md") if place.name == "README.md" else place)
    results = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
    return found | {f"benchmarks/results/{path.name}": f"results/{path.name}" for path in results}


def with_links(text, source, page, pages):
    """Redirect the links of a page to the pages of the site; files without a page are only named.

    Parameters
    ----------
    text : str
    source, page : str
        Its place in the repository and in the site.
    pages : dict of str to str
        As of :func:`places`.
    """

    def led(found):
        label, target, anchor = found[1], found[2], found[3] or ""
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        label = "" if label.strip("`").endswith(".md") else label  # Sphinx puts the title of the page there
        if place in pages:
            return f"[{label}]({posixpath.relpath(pages[place], posixpath.dirname(page) or '.')}{anchor})"
        return f"`{place}`" if label.strip("`") in place else f"{label} (`{place}`)"

    def shown(found):
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2])).removeprefix("docs/")
        return f"![{found[1]}]({posixpath.relpath(place, posixpath.dirname(page) or '.')})"

    return PICTURE.sub(shown, LINK.sub(led, text))


def with_equations(text):
    """Write equations as MathML, which browsers draw without a script."""
    text = BLOCK.sub(lambda found: aligned(found[1]), text)
    return INLINE.sub(lambda found: mathml(found[1]), text)


def aligned(equations):
    """Write equations, one a line and aligned at a mark, as a table in MathML.

    Parameters
    ----------
    equations : str
        LaTeX, an environment ``aligned``, which the converter does not know.
    """
    lines = re.sub(r"\\(begin|end)\{aligned\}", "", equations).strip().split("\\\\")
    rows = ["".join(f"<mtd>{mathml(side.strip())}</mtd>" for side in line.split("&")) for line in lines]
    body = "".join(f"<mtr>{re.sub('</?math[^>]*>', '', row)}</mtr>" for row in rows)
    return f'<math display="block"><mtable class="aligned" displaystyle="true">{body}</mtable></math>'


def mathml(text):
    """Convert LaTeX to one line; the converter takes no digit in the name of a function, such as expm1."""
    lettered = re.sub(r"(\\operatorname\{\w+)1\}", r"\1ONE}", text)
    return " ".join(convert(lettered).replace("ONE</mo>", "1</mo>").split())


if __name__ == "__main__":
    sys.exit(main())
