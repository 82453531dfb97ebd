"""Texts that people read are in the terms of machine learning and genomics, not in words of our own."""

import ast
import itertools
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
ROOMS = TOP / "src" / "keras_vnn"

# What is not to be read, an example, and what is said instead.
WORDS = (
    (r"\bforet(ell|old)", "foretells the class", "predicts the class"),
    (r"\bhear(s|d)?\b", "hears 93 genes", "has 93 genes upstream"),
    (r"\banew\b", "starts anew", "starts from scratch"),
    (r"\bstands? twice\b", "a gene stands twice", "a gene is a duplicate"),
    (r"\bgiven again\b", "rows given again", "duplicate rows"),
    (r"\bgone on with\b", "the training is gone on with", "the training is resumed"),
    (r"\b(?<!there )(is|are) no (?!longer\b)", "that is no autoencoder", "there is no autoencoder"),
    (r"\bregulations\b", "411 regulations", "411 regulatory edges"),
    (r"\bbeside\b", "dense units beside the nodes", "dense units next to the nodes; besides"),
    (r"\bsays NOT\b", "the row says NOT", "the row is negated (NOT)"),
    (r"\bdeni(es|ed)\b(?= (\(|under|by|it))", "denied (NOT), removed", "negated (NOT), removed"),
    (r"\bmost active in\b", "most active in T cells", "higher in T cells"),
    (r"\breads nothing\b", "a node reads nothing", "a node has no inputs"),
    (r"\bstands also for\b", "stands also for GO:1", "also known as GO:1"),
    (r"\bnumbers a cell\b", "100 numbers a cell", "100 dimensions"),
    (r"\bstep of the optimizer\b", "step of the optimizer", "learning rate"),
    (r"\bsquared weights in the loss\b", "weight of the squared weights in the loss", "L2 penalty"),
    (r"\blonger gradients\b", "shorten longer gradients to this length", "clip gradient norm"),
    (r"\bweigh rare classes\b", "weigh rare classes up", "weight classes inversely to their frequency"),
    (r"\bto (stop early|judge) by\b", "share of the cells to stop early by", "validation fraction"),
    (r"\bon the good side\b", "the best of 20, so on the good side", "best of 20, so optimistically biased"),
)


def strings(path):
    """Yield the line and text of every string of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def texts():
    """Yield the place and text of all that people read."""
    pages = [*(TOP / "docs").rglob("*.md")]
    pages += [TOP / "README.md", TOP / "CONTRIBUTING.md", *(TOP / "configs").rglob("*.*")]
    pages += (ROOMS / "export" / "report" / "page").rglob("*.js")
    for path in pages:
        yield path, path.read_text(encoding="utf-8")
    unreleased = (TOP / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    yield TOP / "CHANGELOG.md", unreleased
    for path in ROOMS.rglob("*.py"):
        for line, text in strings(path):
            yield f"{path}:{line}", text


@pytest.fixture(scope="module")
def read():
    """Return the places and texts, each on one line, so that a phrase is found across a line break."""
    return [(place, " ".join(text.split())) for place, text in texts()]


@pytest.mark.parametrize(("pattern", "bad", "good"), WORDS, ids=[bad for _, bad, _ in WORDS])
def test_words_of_ours_that_have_better_ones(pattern, bad, good, read):
    is_ours = re.compile(pattern, re.IGNORECASE)
    assert is_ours.search(bad) and not is_ours.search(good)
    found = [
        f"{place}: {text[max(0, match.start() - 40) : match.end() + 40]}"
        for place, text in read
        for match in is_ours.finditer(text)
    ]
    assert not found, f"say {good!r}:\n" + "\n".join(found)


def by_hand(path):
    """Yield the line and words of every text that sets a plural after a number, whatever the number is."""
    plural = re.compile(r" (?:[a-z-]+ )?(?!(?:is|was|has|its|as|holds|needs|species)\b)[a-z]+s\b")
    for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(text, ast.JoinedStr):
            continue
        for number, after in itertools.pairwise(text.values):
            if isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant):
                shown = ast.unparse(number.format_spec) if number.format_spec else ""
                counts = ",'" in shown or ast.unparse(number.value).startswith("len(")
                if counts and (words := plural.match(after.value)):
                    yield text.lineno, words.group()


def test_what_is_counted_is_named_by_one_function(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text(
        "f'{len(x)} of {n:,} dense units', f'{len(x)} genes', f'{len(x)} is', f'{x} names'", encoding="utf-8"
    )
    assert [words for _, words in by_hand(sample)] == [" dense units", " genes"]
    found = [f"{path}:{line}:{words}" for path in ROOMS.rglob("*.py") for line, words in by_hand(path)]
    assert not found, "use basics.errors.counted:\n" + "\n".join(found)
