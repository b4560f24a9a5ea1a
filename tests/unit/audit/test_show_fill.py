"""`audit --show-fill`: what `fix` would write, object by object."""

import io
from pathlib import Path

import pytest

from tests.builders import NOON
from tests.unit.audit.test_fix import ALIAS, POD
from webhook.audit import Court, run
from webhook.audit.judge import judge
from webhook.audit.objects import Subject
from webhook.exemptions import Exemptions
from webhook.profile import Profile
from webhook.report.entries import Judged
from webhook.report.reports import Format


def shown(profiles: dict[str, Profile], text: str) -> str:
    """The report on a text that comes from standard input."""
    stdout = io.StringIO()
    run(
        ["-"],
        Court(profiles["baseline"], Exemptions(()), NOON.date()),
        show_fill=True,
        stdin=io.BytesIO(text.encode()),
        stdout=stdout,
        stderr=io.StringIO(),
    )
    return stdout.getvalue()


def test_a_diff_in_place_of_what_would_be_set(profiles: dict[str, Profile]) -> None:
    assert shown(profiles, POD) == (
        """\
standard input
  Pod shop/web, line 1
--- -
+++ -
@@ -6,4 +6,7 @@
   - name: web
     livenessProbe:
       httpGet: {port: 80}  # the page
-    readinessProbe: {httpGet: {port: 80}}
+      timeoutSeconds: 3
+      periodSeconds: 10
+      failureThreshold: 6
+    readinessProbe: {httpGet: {port: 80}, timeoutSeconds: 3, periodSeconds: 10, \
failureThreshold: 3}

1 object judged by baseline: 6 fields to fill
"""
    )


def test_line_numbers_are_those_of_the_file_as_it_is(profiles: dict[str, Profile]) -> None:
    hunks = [line for line in shown(profiles, f"{POD}---\n{POD}").splitlines() if "@@" in line]

    assert hunks == ["@@ -6,7 +6,10 @@", "@@ -16,4 +16,7 @@"]


def test_what_cannot_be_rewritten_is_said_in_its_place(profiles: dict[str, Profile]) -> None:
    assert shown(profiles, ALIAS) == (
        """\
standard input
  Pod shop/web, line 1
      7  fill     web: would set livenessProbe failureThreshold 6, periodSeconds 10, \
timeoutSeconds 3 [probe-timing]
                  /spec/containers/0/livenessProbe
                  not set: livenessProbe has the anchor &probe, and what stands as *probe would \
change with it; write it out there
      9  fill     web: would set readinessProbe failureThreshold 3, periodSeconds 10, \
timeoutSeconds 3 [probe-timing]
                  /spec/containers/0/readinessProbe
                  not set: readinessProbe is the alias *probe, which stands for text elsewhere; \
write it out

1 object judged by baseline: 6 fields to fill
"""
    )


def test_a_line_of_many_objects_is_not_shown_for_each(profiles: dict[str, Profile]) -> None:
    item = '{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"livenessProbe":{"exec":{}}}]}}'
    text = f'{{"apiVersion":"v1","kind":"List","items":[{",".join([item] * 200)}]}}'

    report = shown(profiles, text)

    assert report.count("in a line that is too long to be shown\n") == 200
    assert "@@" not in report


@pytest.mark.parametrize("text", ["", "a: [\n", "apiVersion: v1\nkind: Pod\nspec: []\n"])
def test_nothing_to_set(profiles: dict[str, Profile], text: str) -> None:
    assert "@@" not in shown(profiles, text)


def test_an_object_is_judged_once(
    profiles: dict[str, Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def counted(court: Court, subject: Subject) -> Judged:
        asked.append(subject.reading.workload.name)
        return judge(court, subject)

    monkeypatch.setattr("webhook.audit.preview.judge", counted)
    bare = POD.replace("name: web", "name: bare", 1).partition("    livenessProbe")[0]
    shown(profiles, f"{POD}---\n{bare}")
    assert asked == ["web", "bare"]


def test_a_page_shows_diffs_unasked_and_the_text_beside_it_does_not(
    profiles: dict[str, Profile], tmp_path: Path
) -> None:
    page, stdout = tmp_path / "report.html", io.StringIO()
    run(
        ["-"],
        Court(profiles["baseline"], Exemptions(()), NOON.date()),
        [Format("text"), Format("html", str(page))],
        stdin=io.BytesIO(POD.encode()),
        stdout=stdout,
        stderr=io.StringIO(),
    )

    assert "+      timeoutSeconds: 3" in page.read_text()
    assert "@@" not in stdout.getvalue()
    assert "would set livenessProbe" in stdout.getvalue()
