"""The page in Chromium: what it shows, that nothing runs or leaves, and that keys alone can use it."""

import time

import pandas as pd
import pytest

from keras_vnn.pl import write_report
from keras_vnn.read import table as read_table

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(model, comparison, search, hostile, tmp_path_factory):
    page = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(model, page, title=hostile[0], comparison=comparison, search=search)


@pytest.fixture
def page(browser, path):
    opened = browser.open(path)
    yield opened
    assert opened.complaints == []
    assert opened.requests == []


VIEWS = ("sunburst", "treemap", "network", "outline")


def show_everything(page):
    """Go to every page, view and node."""
    for name in ("overview", "explore", "tables", "comparison", "search"):
        page.run("report.set({page: arguments[0]})", name)
    page.run("report.set({page: 'explore'})")
    for view in VIEWS:
        for colour in page.run("return report.colourChoices().map(choice => choice.name)"):
            page.run("report.set({view: arguments[0], colour: arguments[1]})", view, colour)
        for node in range(page.run("return report.size")):
            page.run("report.set({selected: arguments[0]})", node)
    page.run("report.set({page: 'tables'})")
    for button in page.all(".sheets .switch button"):
        button.click()


def test_hostile_names_are_text_everywhere(page, hostile):
    page.run("window.alerts = []; window.alert = text => alerts.push(text)")
    assert page.one("#title").text == hostile[0]
    show_everything(page)
    assert page.run("return alerts") == []
    assert page.run("return document.querySelectorAll('main img, main script, main b').length") == 0
    page.run("report.set({page: 'explore', view: 'outline', selected: arguments[0]})", 6)
    assert page.one("#panel-title").text == '"\' onmouseover="alert(3)'
    names = page.one(".panel dl").text
    assert "javascript:alert(4)" in names and "{{DATA}}" in names
    links = page.run("return [...document.querySelectorAll('.panel .links a')].map(link => link.href)")
    assert links == []


def test_a_page_about_many_runs_opens_on_them(browser, arch, model, comparison, search, tmp_path):
    for source, given, page, first in (
        (model, {"search": search}, "search", "Trial 2 of 3 has the best balanced accuracy"),
        (arch, {"comparison": comparison}, "comparison", comparison["verdict"][:30]),
        (model, {"comparison": comparison}, "overview", "A neural network"),
    ):
        browser.open(write_report(source, tmp_path / "page.html", overwrite=True, **given))
        assert browser.run("return report.state.page") == page
        assert browser.one(".verdict, .lead").text.startswith(first)


def test_search_finds_and_opens_a_node(page):
    page.keys("/")
    page.keys("interferon")
    page.wait("return document.querySelectorAll('#hits [role=option]').length === 2")
    assert page.run("return performance.getEntriesByName('search').at(-1).duration") < 100
    page.keys("\ue015", "\ue007")  # down, enter
    assert page.run("return report.state.page") == "explore"
    title = page.one("#panel-title")
    assert title.text.startswith("response to")
    assert "interferon" in title.text
    assert page.run("return document.activeElement.id") == "panel-title"
    assert page.run("return location.hash").startswith("#explore/GO%3A00343")
    page.driver.back()
    page.wait("return report.state.page === 'search'")


def test_the_address_of_a_node_opens_it(browser, path):
    browser.open(path)
    browser.driver.get(f"{path.as_uri()}#explore/GO%3A0034341")
    browser.wait("return document.querySelector('#panel-title')?.textContent === 'response to interferon-gamma'")
    names = [link.text.split(" ")[0] for link in browser.all(".panel .links a")]
    assert [name.split("\n")[0] for name in names] == ["AmiGO", "QuickGO"]


def test_the_table_sorts_filters_and_downloads(page, browser, hostile):
    page.run("report.set({page: 'tables'})")

    def column(number):
        return page.run(
            "return [...document.querySelectorAll('tbody tr')].map(row => row.children[arguments[0]].textContent)",
            number,
        )

    heads = [head.text.split(" ")[0] for head in page.all("thead th")]
    genes = heads.index("genes")
    page.all("thead th button")[genes].click()
    assert column(genes) == ["5", "4", "3", "2", "1"] or column(genes) == sorted(column(genes), reverse=True)
    assert page.all("thead th")[genes].get_attribute("aria-sort") == "descending"
    page.all("thead th button")[genes].click()
    assert column(genes) == sorted(column(genes))
    page.one(".sheet input").send_keys("interferon")
    assert sorted(column(0)) == ["GO:0034340", "GO:0034341"]
    page.one(".sheet input").clear()
    page.one(".sheet input").send_keys(" ")
    page.all(".sheets .switch button")[1].click()
    page.one(".sheet .csv").click()
    target = browser.downloads / "genes.csv"
    for _ in range(100):
        if target.is_file():
            break
        time.sleep(0.05)
    table = read_table(target)
    assert set(table["gene"]) == {"JAK1", "STAT1", hostile[0], hostile[3], "IFNG"}
    assert dict(zip(table["gene"], table["feeds"], strict=True))["STAT1"] == 3
    assert "\n\"'=HYPERLINK" in target.read_text(encoding="utf-8")


def test_formulas_are_text_in_a_spreadsheet_and_come_back(page, tmp_path):
    texts = ["=1+1", "+a", "-a", "@a", "\ta", "＝a", "'=a", "'a", "a=1", 'say "a", b', "line\nend", "NA", "1"]
    table = pd.DataFrame({"=text": texts, "number": [-1.5, 1e-9, 0.1, 2.5, 1e21, *[float("nan")] * 8]})
    rows = [list(table.columns), *([t, None if n != n else n] for t, n in table.itertuples(index=False))]
    text = page.run("return report.csv(arguments[0])", rows)
    assert text.splitlines()[1] == '"\'=1+1",-1.5'
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table)


def test_the_outline_is_walked_by_keys(page):
    page.run("report.set({page: 'explore', view: 'outline'})")
    page.run("document.querySelector('[role=treeitem][tabindex=\"0\"]').focus()")

    def here():
        return page.run("return document.activeElement.querySelector('.name').textContent")

    assert here() == "All nodes"
    page.keys("\ue015", "\ue014")  # down, right: unfold
    assert page.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    parent = here()
    page.keys("\ue014")
    child = here()
    assert child != parent
    page.keys("\ue007")  # enter
    assert page.one("#panel-title").text == child
    page.keys("\ue012")  # left: to the parent
    assert here() == parent
    page.keys("\ue012")
    assert page.run("return document.activeElement.getAttribute('aria-expanded')") == "false"
    assert page.run("return document.querySelectorAll('[role=treeitem][tabindex=\"0\"]').length") == 1


@pytest.mark.parametrize("view", ["sunburst", "treemap"])
def test_pictures_are_walked_by_keys_and_zoomed(page, view):
    page.run("report.set({page: 'explore', view: arguments[0]})", view)
    page.run("document.querySelector('.stage svg').focus()")
    page.keys("\ue015", "\ue015")  # down twice: the top, then its first child
    assert page.run("return report.tree.at(report.state.selected).depth") == 1
    page.keys("\ue007")
    assert page.run("return report.state.focus === report.state.selected")
    page.keys("\ue003")  # backspace
    assert page.run("return report.state.focus === report.tree.root.id")


def test_the_network_grows_and_shrinks(page):
    page.run("report.set({page: 'explore', view: 'network', selected: 6})")

    def shown():
        return page.run("return report.cy.nodes('[!output]').map(node => Number(node.id())).sort((a, b) => a - b)")

    assert {1, 2, 3, 6, 9} <= set(shown())
    page.run("[...document.querySelectorAll('.floating button')].find(b => b.textContent === '− inputs').click()")
    assert 1 not in shown() and 6 in shown()
    page.run("[...document.querySelectorAll('.floating button')].find(b => b.textContent === '+ inputs').click()")
    assert {1, 2, 3} <= set(shown())


def test_light_and_dark_follow_the_system_and_the_button(browser, path):
    browser.open(path, dark=True)
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    browser.one("#theme").click()
    assert browser.run("return document.documentElement.dataset.theme") == "light"
    browser.one("#theme").click()
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    browser.open(path)
    assert browser.run("return document.documentElement.dataset.theme") == "light"


def test_nothing_sticks_out_on_a_phone(browser, path, pictures):
    browser.open(path, width=390, height=844)
    for name in ("overview", "explore", "tables", "comparison", "search"):
        browser.run("report.set({page: arguments[0]})", name)
        assert browser.run("return document.documentElement.scrollWidth") <= 390, name
        browser.driver.save_screenshot(str(pictures / f"hostile-390-{name}.png"))


def test_axe_finds_no_fault(browser, path, request):
    axe = request.config.rootpath / ".browser" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is absent: python tools/vendor.py --axe .browser")
    faults = []
    for dark in (False, True):
        browser.open(path, dark=dark)
        # Past the policy of the page, as an extension of the browser would be.
        browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe.read_text(encoding="utf-8")})
        pages = [(name, "sunburst") for name in ("overview", "tables", "comparison", "search")]
        for name, view in pages + [("explore", view) for view in VIEWS]:
            browser.run("report.set({page: arguments[0], view: arguments[1], selected: 6})", name, view)
            time.sleep(0.6)  # the picture comes to rest
            found = browser.driver.execute_async_script("axe.run(document).then(arguments[0])")
            faults += [
                (name, view, dark, fault["id"], node["html"][:160], node["failureSummary"])
                for fault in found["violations"]
                for node in fault["nodes"][:3]
            ]
    assert faults == []
