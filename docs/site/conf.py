"""Settings of Sphinx for the site of the documentation."""

from cubnm_core import __version__

project = "cubnm_core"
author = "the authors of cubnm_core"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Typographic quotes would spoil commands and names of keys.
smartquotes = False
html_theme = "furo"
html_title = "cubnm_core"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
