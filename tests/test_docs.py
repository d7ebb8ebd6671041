"""What the documentation says is so: snippets run, links lead somewhere, lists are those of the code."""

from __future__ import annotations

import doctest
import importlib
import io
import pkgutil
import re
from contextlib import redirect_stdout
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

import hybridge as hb
from hybridge.device import Capabilities
from hybridge.registry import GROUP, OWNER, registry
from test_layers import LAYERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LANGUAGES = {"python", "text", "sh", "toml"}
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What a module may lack when it is imported; without it, its doctests are not this environment's.
OPTIONAL = {"torch", "jax", "flax", "tensorflow", "keras"}


class Snippet(NamedTuple):
    """A Python block of a page, the line it starts on, and what it prints where a text block follows."""

    code: str
    line: int
    output: str | None


def snippets(text: str) -> list[Snippet]:
    """The Python blocks of a page; a text block right after one is what it prints."""
    blocks = list(FENCE.finditer(text))
    found = []
    for k, block in enumerate(blocks):
        if block["language"] != "python":
            continue
        following = next(iter(blocks[k + 1 :]), block)
        prints = following["language"] == "text" and not text[block.end() : following.start()].strip()
        line = text[: block.start()].count("\n") + 2
        found.append(Snippet(block["body"], line, following["body"] if prints else None))
    return found


def run(page: str, text: str) -> None:
    """Run a page's snippets in order, in one namespace; AssertionError where one prints something else."""
    names: dict[str, object] = {"__name__": Path(page).stem}
    for code, line, output in snippets(text):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page, page, line - 1)
            report = io.StringIO()
            runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
            runner.run(test, out=report.write, clear_globs=False)
            names = test.globs
            assert runner.summarize(verbose=False).failed == 0, report.getvalue()
            continue
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile("\n" * (line - 1) + code, page, "exec"), names)
        if output is not None:
            fits = doctest.OutputChecker().check_output(output, printed.getvalue(), FLAGS)
            assert fits, f"{page}, line {line}, prints\n{printed.getvalue()}\nand not\n{output}"


@pytest.mark.usefixtures("qvm")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_snippet_runs(page):
    run(str(page), page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\nprint(1)\n```\n\n```text\n2\n```\n",
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\nx = 1\n```\n\nand\n\n```python\nassert x == 2\n```\n",
    ],
    ids=["assert", "printed", "doctest", "second block"],
)
def test_a_planted_mistake_in_a_snippet_is_caught(text):
    with pytest.raises(AssertionError):
        run("page.md", text)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/conventions.md", "docs/plugins.md"])
def test_pages_that_teach_have_snippets(page):
    assert snippets((ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_block_says_its_language(page):
    text = page.read_text(encoding="utf-8")
    assert {block["language"] for block in FENCE.finditer(text)} <= LANGUAGES
    assert text.count("```") == 2 * len(FENCE.findall(text))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files(page):
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    local = [m["target"].partition("#")[0] for m in LINK.finditer(prose) if "://" not in m["target"]]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_public_names_and_paths_in_the_text_exist(page):
    text = page.read_text(encoding="utf-8")
    public = set(re.findall(r"\bhb\.([A-Za-z_]\w*)", text))
    assert {name for name in public if not hasattr(hb, name)} == set()
    paths = set(re.findall(r"\b((?:core|plugins|tests|examples|docs)/[\w/]+\.\w+)", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {m["target"] for m in LINK.finditer(index)}
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]}
    assert pages - {"README.md"} <= linked
    examples = {f"../examples/{path.name}" for path in (ROOT / "examples").glob("*.py")}
    assert examples <= linked


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_readme_lists_the_devices():
    hb.devices()
    own = {p.name for p in entry_points(group=GROUP) if p.dist is not None and p.dist.name == OWNER}
    ours = {name for name in registry.devices if name.split(".")[0] in own}
    listed = set(re.findall(r"^\| `([\w.]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert listed == ours


def test_the_readme_lists_the_extras_of_devices():
    listed = set(
        re.findall(r'^pip install "\.\[(\w+)\]"', (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    )
    assert listed == {"all", *(r.extra for r in registry.devices.values() if r.extra)}


def test_plugins_md_has_every_field_of_capabilities():
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\|(.+?)\|", page, re.M))
    assert {f.name for f in fields(Capabilities)} <= set(re.findall(r"`(\w+)`", rows))


@pytest.mark.parametrize("page", [name for name in NAMES if re.fullmatch(r"docs/devices/[a-z]+\.md", name)])
def test_the_page_of_a_vendor_has_conventions_and_limits_and_leads_to_what_is_generated(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert {"## Conventions", "## Limits"} <= set(text.splitlines()) and "(../operations.md)" in text


def test_operations_md_is_up_to_date():
    generator = module_at(ROOT / "docs" / "generate_operations.py")
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "run `make docs`"


def test_the_page_of_devices_is_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    generator = module_at(ROOT / "docs" / "generate_devices.py")
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "run `make docs`"


def test_make_docs_writes_what_is_generated():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"\bdocs/\w+\.py", makefile) == [
        "docs/generate_operations.py",
        "docs/generate_devices.py",
    ]


def test_architecture_md_has_the_layers_that_are_enforced():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = next(b["body"] for b in FENCE.finditer(text) if "\nrecording\n" in b["body"])
    assert [line.split() for line in block.splitlines()] == [list(layer) for layer in LAYERS]


def test_plugins_md_shows_the_minimal_plugin_as_it_is():
    source = (ROOT / "examples" / "minimal_plugin" / "minimal_plugin.py").read_text(encoding="utf-8")
    assert source in [s.code for s in snippets((ROOT / "docs" / "plugins.md").read_text(encoding="utf-8"))]


def module_at(path: Path) -> ModuleType:
    """A script as a module, without being run as one."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules() -> list[str]:
    """Every module of the core and of its plugins, but the command itself."""
    packages = ["hybridge", *(p.value for p in entry_points(group=GROUP) if p.dist and p.dist.name == OWNER)]
    found = set(packages)
    for package in packages:
        root = Path(importlib.util.find_spec(package).origin).parent  # type: ignore[union-attr, arg-type]
        walked = pkgutil.walk_packages([str(root)], f"{package}.", onerror=lambda name: None)
        found |= {m.name for m in walked}
    return sorted(found - {"hybridge.__main__"})


def sdks() -> set[str]:
    """The modules without which a plugin, or an interface, cannot be imported."""
    hb.devices()
    return OPTIONAL | {module for r in registry.devices.values() for module in r.requires}


@pytest.mark.parametrize("name", modules())
def test_doctests(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:  # an SDK that is not here: its modules' examples cannot run
        assert (error.name or "").split(".")[0] in sdks(), error
        return
    report = io.StringIO()
    with redirect_stdout(report):
        failed, _ = doctest.testmod(module, optionflags=FLAGS)
    assert failed == 0, report.getvalue()


def test_there_are_doctests():
    finder = doctest.DocTestFinder()
    tests = [
        t
        for name in modules()
        if name.startswith("hybridge.q")
        for t in finder.find(importlib.import_module(name))
    ]
    assert sum(len(t.examples) for t in tests) > 3
