"""How the documentation is built: `make docs`. Sphinx with furo and MyST; nothing is fetched from a network."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src"), str(HERE.parent)]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import generated_pages  # noqa: E402

from keras_vnn import __version__  # noqa: E402
from keras_vnn.basics.public_names import place_of  # noqa: E402

generated_pages.write(HERE)

project = "keras-vnn"
author = "The keras-vnn developers"
project_copyright = author
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "tutorials/*.md"]  # the tutorials' sources; what is shown are the notebooks
default_role = "py:obj"
nitpicky = False

# Markdown. Notebooks are executed by `make notebooks`, not by the build.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Docstrings name parameters and attributes in single backticks; those called like several attributes stay plain.
suppress_warnings = ["ref.python"]

# The API.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False  # names that share a text share a line
napoleon_attr_annotations = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Input shape", "Output shape"]
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88


def _skip(app, what, name, item, skip, options):  # noqa: ANN001, ANN202
    """Leave out what scikit-learn writes into every estimator: its texts refer to pages of its own."""
    return True if (name.endswith("_request") and name.startswith("set_")) or name == "get_metadata_routing" else None


def _one_line_of_names(app, what, name, obj, options, lines):  # noqa: ANN001, ANN202
    """Join names of parameters that share a text and take several lines, as of estimators: napoleon wants one."""
    for i in range(len(lines) - 2, -1, -1):
        if lines[i].endswith(",") and not {lines[i][:1], lines[i + 1][:1]} & {" ", ""}:
            if all(word.isidentifier() for word in (lines[i] + lines[i + 1]).replace(",", " ").split()):
                lines[i : i + 2] = [f"{lines[i]} {lines[i + 1]}"]


def _plain_defaults(app, what, name, obj, options, signature, returned):  # noqa: ANN001, ANN202
    """Show a default without a name that Python reads as one; signatures with `<…>` are not taken apart."""
    return re.sub(r"<[^<>]*>", "...", signature or "") or None, returned


def _public(app, env, node, contnode):  # noqa: ANN001, ANN202
    """Find what a text names as `read.genes`, or by its last word alone, whatever page it stands on."""
    from sphinx.util.nodes import make_refnode

    if node.get("refdomain") != "py":
        return None
    name, objects = node["reftarget"], env.get_domain("py").objects
    found = objects.get(f"keras_vnn.{name}") or objects.get(place_of(name))
    return found and make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, contnode, name)


def setup(app):  # noqa: ANN001, ANN201
    """Connect the above."""
    app.connect("missing-reference", _public)
    app.connect("autodoc-process-signature", _plain_defaults)
    app.connect("autodoc-process-docstring", _one_line_of_names, priority=400)  # before napoleon
    app.connect("autodoc-skip-member", _skip)


# The look.
html_theme = "furo"
html_title = f"keras-vnn {release}"
html_static_path = ["_static"]
html_css_files = ["extra.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8c", "color-brand-content": "#0b5c8c"},
    "dark_css_variables": {"color-brand-primary": "#7cc4ee", "color-brand-content": "#7cc4ee"},
}
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
