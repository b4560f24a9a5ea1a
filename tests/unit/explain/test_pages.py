"""One policy, told as text, Markdown and HTML."""

from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from tests import docs
from tests.builders import load_profiles, profile
from tests.unit.test_docstring import DOC, Named, named
from webhook import __version__, catalog
from webhook.api import Policy
from webhook.explain import Page, action, page, pages
from webhook.explain.html import site
from webhook.explain.markdown import files, markdown
from webhook.explain.text import text
from webhook.profile import bind

POLICIES = catalog.POLICIES
EVIL = """<b>bold</b> & "quoted" *stars* `<i>code</i>`"""


def shipped() -> list[Page]:
    return pages(POLICIES.values(), load_profiles())


def evil() -> Page:
    doc = DOC.replace("Nameless pods are nobody's.", EVIL).replace("shop", "<shop>")
    return page(named(doc), load_profiles())


# Actions in profiles


def test_the_actions_in_profiles_are_told_by_rule() -> None:
    claims = POLICIES["require-claims"]
    told = {one.profile: (one.action, one.rules) for one in page(claims, load_profiles()).actions}
    assert told == {
        "advise": ("warn", {"inline-csi": "warn"}),
        "baseline": ("deny", {"inline-csi": "warn"}),
        "strict": ("deny", {"inline-csi": "deny"}),
    }


def test_a_policy_that_a_profile_does_not_name_is_off() -> None:
    assert action(POLICIES["probe-timing"], profile(policies={})).action == "off"
    off = action(POLICIES["require-claims"], profile(policies={}))
    assert (off.action, off.rules) == ("off", {"inline-csi": "off"})


def test_a_policy_for_few_kinds_is_found_too() -> None:
    policy: Policy[Any] = Policy(
        id="named", summary="", params=Named, kinds=("CronJob",), check=lambda *_: iter(())
    )
    spec = {"policies": {"named": {"action": "audit"}}}
    assert action(policy, bind("test", spec, {"named": policy})).action == "audit"


# Where it is asked

ASKED = [
    ("require-probes", "webhook, audit", "in the webhook and in audits"),
    (
        "deployment-state",
        "webhook, audit",
        "in the webhook and in audits; objects that an audit knows make it more exact",
    ),
    ("claim-exists", "audit only", "in audits only; the webhook looks nothing up"),
]


@pytest.mark.parametrize(("policy", "short", "long"), ASKED)
def test_every_format_tells_where_a_policy_is_asked(policy: str, short: str, long: str) -> None:
    told = page(POLICIES[policy], load_profiles())
    assert (told.asked_in, told.asked) == (short, long)
    assert f"\nAsked\n    {long}\n" in text(told)
    assert f"\nAsked: {long}.\n" in markdown(told)
    made = {path: Reader(one.decode()).words for path, one in site([told], "/policies").items()}
    assert f"Asked: {long}. Kinds:" in made[f"/policies/{policy}"]
    assert made["/policies/"].endswith(f" {short} podworthy {__version__}")
    assert f" | {short} |\n" in files([told])["README.md"]


# Text


def test_the_text_is_the_docstring_and_what_code_and_profiles_say() -> None:
    assert text(page(named(), load_profiles())) == (
        f"named: {DOC.strip()}\n"
        "\n"
        "Actions in the shipped profiles\n"
        "    advise    off\n"
        "    baseline  off\n"
        "    strict    off\n"
        "\n"
        "Asked\n"
        "    in the webhook and in audits\n"
        "\n"
        "Kinds\n"
        "    Pod, StatefulSet, Deployment, DaemonSet, ReplicaSet, ReplicationController, Job, "
        "CronJob, PodTemplate\n"
        "\n"
        "Types of params\n"
        "    prefix: string\n"
        "    suffix: string\n"
        "\n"
        "Defaults of params\n"
        "    prefix: ''\n"
        "    suffix: ''"
    )


def test_the_text_tells_nested_params_and_rules() -> None:
    told = text(page(POLICIES["require-claims"], load_profiles()))
    assert "\n    strict    deny, inline-csi: deny\n" in told
    assert "\nRules with an action of their own\n    inline-csi\n" in told
    assert (
        "\n    hostPaths: list of mappings\n"
        "      prefix: string, matching `^/`; required; Absolute path; matches itself and what is "
        "below it.\n"
    ) in told


def test_text_is_wrapped_to_a_width() -> None:
    assert text(page(named(), load_profiles()), 40) == (
        "named: Pods have names.\n"
        "\n"
        "What it checks\n"
        "    Each name, as in `metadata.name`: it\n"
        "    is there.\n"
        "\n"
        "    - of pods\n"
        "    - of what makes pods\n"
        "\n"
        "    where    a name is: in metadata\n"
        "    nowhere  else\n"
        "\n"
        "    what    where\n"
        "    a name  in metadata\n"
        "\n"
        "      indented: too\n"
        "\n"
        "Why\n"
        "    Nameless pods are nobody's.\n"
        "\n"
        "Bad\n"
        "    metadata:\n"
        "\n"
        "      namespace: shop\n"
        "\n"
        "Good\n"
        "    metadata: {name: web}\n"
        "\n"
        "Params\n"
        "    As few as can be.\n"
        "\n"
        "    prefix: what names begin with.\n"
        "    suffix: what they end with.\n"
        "\n"
        "Limits\n"
        "    None.\n"
        "\n"
        "Actions in the shipped profiles\n"
        "    advise    off\n"
        "    baseline  off\n"
        "    strict    off\n"
        "\n"
        "Asked\n"
        "    in the webhook and in audits\n"
        "\n"
        "Kinds\n"
        "    Pod, StatefulSet, Deployment,\n"
        "    DaemonSet, ReplicaSet,\n"
        "    ReplicationController, Job, CronJob,\n"
        "    PodTemplate\n"
        "\n"
        "Types of params\n"
        "    prefix: string\n"
        "    suffix: string\n"
        "\n"
        "Defaults of params\n"
        "    prefix: ''\n"
        "    suffix: ''"
    )


@pytest.mark.parametrize("width", [40, 72, 100])
@pytest.mark.parametrize("policy", POLICIES)
def test_wrapped_text_says_the_same_and_nothing_but_what_stays_is_wider(
    policy: str, width: int
) -> None:
    told = page(POLICIES[policy], load_profiles())
    wrapped, written = text(told, width), text(told)
    blocks = [block for found in told.documentation.sections.values() for block in found]
    stays = {line for block in blocks if block.kind == "literal" for line in block.lines}
    stays |= set(told.defaults.splitlines())
    wide = [line for line in wrapped.splitlines() if len(line) > width]
    assert {line.removeprefix("    ") for line in wide} <= stays
    assert wrapped.split() == written.split()


# Markdown


def test_the_files_are_those_that_the_docstrings_make() -> None:
    """If it fails: `make docs`."""
    found = {path.name: path.read_text(encoding="utf-8") for path in docs.DIRECTORY.iterdir()}
    expected = docs.generated()
    assert sorted(found) == sorted(expected), "a page is missing or stray: run `make docs`"
    for name, expected_text in expected.items():
        assert found[name] == expected_text, f"{name} differs from its docstring: run `make docs`"


def test_there_is_a_file_for_each_policy_and_a_list() -> None:
    made = files(shipped())
    assert set(made) == {"README.md", *(f"{policy}.md" for policy in POLICIES)}
    for policy in POLICIES:
        assert f"[{policy}]({policy}.md)" in made["README.md"]


def test_markdown_holds_all_of_a_docstring() -> None:
    assert markdown(page(named(), load_profiles())) == (
        "<!-- Made by `make docs` from the docstrings of policies: edit those. -->\n"
        "\n"
        "# named\n"
        "\n"
        "Pods have names.\n"
        "\n"
        "| in the profile | advise | baseline | strict |\n"
        "| --- | --- | --- | --- |\n"
        "| action | off | off | off |\n"
        "\n"
        "Asked: in the webhook and in audits.\n"
        "\n"
        "Kinds: Pod, StatefulSet, Deployment, DaemonSet, ReplicaSet, ReplicationController, Job, "
        "CronJob, PodTemplate.\n"
        "\n"
        "## What it checks\n"
        "\n"
        "Each name, as in `metadata.name`: it is there.\n"
        "\n"
        "- of pods\n"
        "- of what makes pods\n"
        "\n"
        "- `where`: a name is: in metadata\n"
        "- `nowhere`: else\n"
        "\n"
        "```text\n"
        "what    where\n"
        "a name  in metadata\n"
        "```\n"
        "\n"
        "```text\n"
        "  indented: too\n"
        "```\n"
        "\n"
        "## Why\n"
        "\n"
        "Nameless pods are nobody's.\n"
        "\n"
        "## Bad\n"
        "\n"
        "```yaml\n"
        "metadata:\n"
        "\n"
        "  namespace: shop\n"
        "```\n"
        "\n"
        "## Good\n"
        "\n"
        "```yaml\n"
        "metadata: {name: web}\n"
        "```\n"
        "\n"
        "## Params\n"
        "\n"
        "As few as can be.\n"
        "\n"
        "- `prefix` (string): what names begin with.\n"
        "- `suffix` (string): what they end with.\n"
        "\n"
        "Defaults:\n"
        "\n"
        "```yaml\n"
        "prefix: ''\n"
        "suffix: ''\n"
        "```\n"
        "\n"
        "## Limits\n"
        "\n"
        "None.\n"
    )


def test_nothing_but_code_is_markup_in_markdown() -> None:
    escaped = r"""\<b>bold\</b> & "quoted" \*stars\* `<i>code</i>`"""
    assert f"\n{escaped}\n" in markdown(evil())


# HTML

VOID = {"meta", "link"}


class Reader(HTMLParser):
    """Checks that tags are balanced, and collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


@pytest.fixture(scope="module")
def html() -> dict[str, Reader]:
    """The pages by path, as they are on the wire."""
    return {path: Reader(made.decode()) for path, made in site(shipped(), "/policies").items()}


def test_there_is_a_list_and_a_page_for_each_policy(html: dict[str, Reader]) -> None:
    assert set(html) == {"/policies", "/policies/", *(f"/policies/{id_}" for id_ in POLICIES)}


@pytest.mark.parametrize("path", ["/policies", "/policies/"])
def test_the_list_links_to_every_page(html: dict[str, Reader], path: str) -> None:
    links = [link for link in html[path].all("href") if not link.startswith("data:")]
    # as a browser resolves them: against what stands before the last slash
    assert [f"{path.rpartition('/')[0]}/{link}" for link in links] == [
        f"/policies/{policy}" for policy in POLICIES
    ]


def test_every_page_has_its_parts_and_asks_for_nothing(html: dict[str, Reader]) -> None:
    for path, read in html.items():
        assert read.tags[0] == ("html", {"lang": "en"})
        names = [tag for tag, _ in read.tags]
        assert [names.count(tag) for tag in ("title", "h1", "main", "script")] == [1, 1, 1, 0]
        assert not read.all("src")
        assert "url(" not in " ".join(read.text)
        ids = read.all("id")
        assert len(ids) == len(set(ids)), path
        assert set(read.all("aria-labelledby")) <= set(ids)
        headings = [int(tag[1]) for tag in names if tag in ("h1", "h2", "h3")]
        assert all(after - before <= 1 for before, after in pairwise(headings))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_page_holds_all_of_the_docstring(html: dict[str, Reader], policy: str) -> None:
    words = html[f"/policies/{policy}"].words
    doc = page(POLICIES[policy], {}).documentation
    assert doc.title.replace("`", "") in words
    for title, blocks in doc.sections.items():
        assert title in words
        for line in (line for block in blocks for line in block.lines):
            said = (title == "Params" and line.partition(": ")[2]) or line
            assert " ".join(said.replace("`", "").split()) in words


def test_nothing_but_code_is_markup_in_html() -> None:
    made = site([evil()], "/policies")["/policies/named"].decode()
    Reader(made)
    assert (
        "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &#34;quoted&#34; *stars* "
        "<code>&lt;i&gt;code&lt;/i&gt;</code></p>"
    ) in made
    assert "namespace: &lt;shop&gt;" in made
