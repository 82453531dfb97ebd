"""What texts tell people to do exists, and is said in the words of where it is read: of Python, or of the command line.

Two ways of looking: at every text in the sources, and (by the fixture `vnn`) at all that any test of the command line
makes a command print.
"""

import pytest

from message_words import commands, not_there, options_alone, texts, words_of_python

TEXTS = list(texts())
# Texts that only Python shows: no command calls the function, or calls it so that it has nothing to say.
PYTHON_ALONE = {
    "architecture/_value.py": {"check_architecture_given"},
    "architecture/wiring/_interactions.py": {"interaction_architecture"},
    "architecture/wiring/_joining.py": {"_check_genes", "join_architectures"},
    "architecture/wiring/_matching.py": {"prior_of"},
    "data/labels.py": {"_check_one_per_cell"},
    "data/normalization.py": {"for_genes"},
    "experiments/comparison/_compare.py": {"_checked_objective"},
    "experiments/controls.py": {"_matrix"},
    "data/_matrix.py": {"_frame_values", "not_cells"},
    "export/_canvas.py": {"finished", "picture_bytes"},
    "export/_content.py": {"check_ranking", "is_model"},
    "export/figures.py": {
        "_by_class",
        "activity_heatmap",
        "confusion_matrix",
        "node_ranking",
        "real_against_null",
        "training_history",
    },
    "inspection/_activities.py": {"activities_by_class"},
    "inspection/_cells.py": {"_checked"},
    "inspection/_judgement.py": {"judge"},
    "inspection/_ranking.py": {"rank_nodes"},
    "layers/_auxiliary.py": {"compute_loss"},
    "layers/_card.py": {"without_digest"},
    "layers/_connections.py": {"from_adjacency"},
    "layers/_sparsely_connected.py": {"quantize"},
    "models/_outputs.py": {"as_outputs"},
    "models/_view.py": {"layer_with", "view"},
    "models/_weights.py": {"set_edge_weights"},
    "options/_presets.py": {"training_given"},
    "priors/identifiers/_apply.py": {"map_identifiers"},
    "priors/identifiers/_map.py": {"identifier_map"},
    "readers/genes.py": {"_in_memory"},
    "readers/pairs.py": {"frame_rows"},
    "training/_run.py": {"run_training", "split_of"},
}
# No texts for people, or files in a language of their own.
NO_MESSAGES = {
    "basics/untrusted.py": {""},
    "basics/remedies.py": {"option_set", "reader_called", "remedy"},
    "basics/showing.py": {"_as_html"},
    "export/_documents.py": {"_usage"},
    "export/_graphs.py": {"_attributes", "to_dot"},
    "export/_layers.py": {"box"},
    "options/_wiring.py": {""},
    "readers/downloads/_fetch.py": {"_attempt"},
    "readers/formats/gene_ontology.py": {""},
    "readers/formats/looks.py": {""},
}
# Handed on to what words them, or the second half of a command.
OPTIONS_HANDED_ON = {"inspection/_connectivity.py": {"_weights"}, "readers/downloads/_fetch.py": {"_unreachable"}}


def _by_place(words):
    """Return where texts that are not worded by place have such words."""
    found = {}
    for text in TEXTS:
        if not text.is_worded and words(text.content):
            found.setdefault(text.module, set()).add(text.function)
    return found


def test_commands_options_and_functions_that_texts_name_exist():
    assert len(TEXTS) > 3000 and {"build", "train", "evaluate clustering"} <= set(commands())
    assert [(text.module, text.line, found) for text in TEXTS if (found := not_there(text.content))] == []


def test_words_of_python_are_shown_in_python_alone():
    found = _by_place(words_of_python)
    found = {module: where for module, where in found.items() if not module.startswith("estimators/")}
    expected = {module: PYTHON_ALONE.get(module, set()) | NO_MESSAGES.get(module, set()) for module in found}
    assert found == expected
    assert PYTHON_ALONE.keys() <= found.keys()


def test_options_of_the_command_line_are_shown_there_alone():
    # What `vnn check` and its function advise are options of `vnn build`; the other declares one.
    found = {
        module: where
        for module, where in _by_place(options_alone).items()
        if not module.startswith("cli/") and module not in ("options/_wiring.py", "recipes/checking.py")
    }
    assert found == OPTIONS_HANDED_ON


@pytest.mark.parametrize(
    ("text", "command", "found"),
    [
        ("Pass --malformed skip, or vnn train FILE --label COLUMN", "build", []),
        ("Pass --malfromed skip", "build", ["--malfromed"]),
        ("Pass --label type", "build", ["--label"]),
        ("Look first: vnn trian FILE", "", ["vnn trian"]),
        ("Train it: vnn train FILE --dense-units 3; --label", "", ["vnn train --dense-units"]),
        ("vnn evaluate clustering MODEL DATA --label COLUMN", "", []),
        ("Read it with vnn.read.interactionz(path)", "", ["vnn.read.interactionz"]),
        ("pip install --force-reinstall keras-vnn", "", []),
    ],
)
def test_what_does_not_exist_is_found(text, command, found):
    assert not_there(text, command) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Pass malformed="skip"', ["malformed="]),
        ("Name them: columns=(1, 2)", ["columns="]),
        ("pandas.read_feather(path).to_csv('table.tsv', sep='\t')", []),
        ("Read it with vnn.read.genes", ["vnn.read.genes"]),
        ("Pass --malformed skip; 3 = 2 + 1", []),
    ],
)
def test_words_of_python_are_found(text, found):
    assert words_of_python(text) == found
