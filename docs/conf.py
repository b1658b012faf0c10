"""How Sphinx builds this folder as a site: ``make docs``."""

from __future__ import annotations

from importlib.metadata import version as _version

project = "drugs_cpp"
author = "the authors of drugs_cpp"
project_copyright = "the authors of drugs_cpp, MIT licence"
release = version = _version("drugs_cpp")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "data"]

html_theme = "furo"
html_title = "drugs_cpp"
html_copy_source = False
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # links to headings, as GitHub makes them
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": "Llama", "show-inheritance": False}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of a named tuple are documented once

copybutton_prompt_text = "$ "
