"""Take the picture of the report in the README: `python docs/site/take_picture.py` after `make demo`.

Needs Chromium or Chrome. It is the first screen of the demo, so its numbers change when the demo does.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "results" / "report" / "index.html"
PICTURE = ROOT / "docs" / "pictures" / "report.png"
SCREEN = {"width": 1280, "height": 860}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main():
    """Open the report and save its first screen."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or not REPORT.exists():
        sys.exit("Install Chromium and run `make demo` first: the picture shows results/report/index.html.")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page(viewport=SCREEN)
        page.goto(REPORT.as_uri())
        taken = Image.open(io.BytesIO(page.screenshot()))
        opened.close()
    colours = taken.convert("RGB").quantize(255, method=Image.Quantize.FASTOCTREE)  # a third of the bytes
    colours.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
