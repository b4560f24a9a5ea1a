"""Before and after, as a diff: what a careful human would have written."""

import textwrap

import pytest

from webhook.rewrite import Edit, rewrite

TIMINGS = {"timeoutSeconds": 3, "periodSeconds": 10}


def edits(*pointers: str, document: int = 0) -> list[Edit]:
    """Both timings for the mappings at these pointers."""
    return [
        Edit(document, f"{pointer}/{key}", value)
        for pointer in pointers
        for key, value in TIMINGS.items()
    ]


def both(diff: str) -> tuple[str, str]:
    """The text before and after; its lines start with a space, a minus or a plus."""
    lines = textwrap.dedent(diff).removeprefix("\n").split("\n")
    assert all(line[:1] in ("", " ", "-", "+") for line in lines)
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    return before, after


def check(diff: str, *pointers: str) -> None:
    """The timings are set as the diff shows, whatever ends the lines and the file."""
    for change in (
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: f"\ufeff{text}",
        lambda text: f"# other\na: [\n---\n{text}---\nb: 1\n",
    ):
        before, after = (change(text).encode() for text in both(diff))
        document = 1 if before.startswith(b"# other") else 0
        rewritten = rewrite(before, edits(*pointers, document=document))
        assert (rewritten.data.decode(), rewritten.refusals) == (after.decode(), ())


BLOCK = {
    "below the last entry, before what follows": """
         probe:
           httpGet:
             path: /
             port: 80  # the admin's
        +  timeoutSeconds: 3
        +  periodSeconds: 10

         # the next one
         next: 1
        """,
    "below comments that are indented like it": """
         probe:
           httpGet:
             port: 80
             # path: /
           # initialDelaySeconds: 5
        +  timeoutSeconds: 3
        +  periodSeconds: 10
         # the next one
         next: 1
        """,
    "at the end of the file": """
         probe:
           httpGet: {port: 80}
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
    "indented as the siblings": """
         probe:
                httpGet:
                 port: 80
        +       timeoutSeconds: 3
        +       periodSeconds: 10
         next: 1
        """,
    "below a list that is not indented": """
         probe:
           exec:
             command:
             - cat
             -
        +  timeoutSeconds: 3
        +  periodSeconds: 10
         next: 1
        """,
    "below a block scalar, before blank lines": """
         probe:
           exec:
             command:
               - sh
               - |
                 test -f /ready

                 # no comment
        +  timeoutSeconds: 3
        +  periodSeconds: 10

         next: 1
        """,
    "below the blank lines that a block scalar keeps": """
         probe:
           exec: |+
             text

        +  timeoutSeconds: 3
        +  periodSeconds: 10
         next: 1
        """,
    "quoted as the siblings": """
         "probe":
           "httpGet": {"port": 80}
        +  "timeoutSeconds": 3
        +  "periodSeconds": 10
         next: 1
        """,
    "below a text over several lines": """
         probe:
           exec: a text
             of two lines
        +  timeoutSeconds: 3
        +  periodSeconds: 10
         next: 1
        """,
    "tabs where YAML allows them": """
         probe:
           httpGet:\t{port:\t80}\t# here
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
    "keys with question marks": """
         probe:
           ? httpGet
           : {port: 80}
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
    "letters that take several bytes": """
         name: é😀
         probe: # ü
           httpGet: {path: "/é", port: 80}  # 😀
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
    "null is nobody's choice": """
         probe:
        -  periodSeconds: null  # why?
        -  timeoutSeconds:      # why?
        +  periodSeconds: 10  # why?
        +  timeoutSeconds: 3      # why?
           httpGet: {port: 80}
        """,
    "what is merged in is overridden below": """
         defaults: &defaults {periodSeconds: null}
         probe:
           httpGet: {port: 80}
           <<: *defaults
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
    "an anchor that nothing refers to": """
         probe: &probe
           httpGet: {port: 80}
        +  timeoutSeconds: 3
        +  periodSeconds: 10
        """,
}


@pytest.mark.parametrize("diff", BLOCK.values(), ids=BLOCK)
def test_block_style(diff: str) -> None:
    check(diff, "/probe")


FLOW = {
    "on the line": """
        -probe: {httpGet: {port: 80}}  # here
        +probe: {httpGet: {port: 80}, timeoutSeconds: 3, periodSeconds: 10}  # here
        """,
    "with spaces inside": """
        -probe: { httpGet: { port: 80 } }
        +probe: { httpGet: { port: 80 }, timeoutSeconds: 3, periodSeconds: 10 }
        """,
    "before a comma at the end": """
        -probe: {httpGet: {port: 80}, }
        +probe: {httpGet: {port: 80}, timeoutSeconds: 3, periodSeconds: 10, }
        """,
    "nothing in it": """
        -probe: {}
        +probe: {timeoutSeconds: 3, periodSeconds: 10}
        """,
    "as JSON without spaces": """
        -probe: {"httpGet":{"port":80}}
        +probe: {"httpGet":{"port":80},"timeoutSeconds":3,"periodSeconds":10}
        """,
    "over several lines": """
         probe: {
           httpGet: {port: 80},  # here
        -  initialDelaySeconds: 5  # there
        +  initialDelaySeconds: 5,  # there
        +  timeoutSeconds: 3,
        +  periodSeconds: 10
         }
        """,
    "over several lines, with a comma at the end": """
         probe: {
           httpGet: {
             port: 80,
           },  # here
        +  timeoutSeconds: 3,
        +  periodSeconds: 10,
           # the end
         }
        """,
    "over several lines, the brace behind the last entry": """
         probe: {httpGet: {port: 80},
        -        initialDelaySeconds: 5}
        +        initialDelaySeconds: 5,
        +        timeoutSeconds: 3,
        +        periodSeconds: 10}
        """,
    "over several lines, a comma before each": """
         probe:
           { httpGet: {port: 80}
           , initialDelaySeconds: 5  # here
        +  , timeoutSeconds: 3
        +  , periodSeconds: 10
           }
        """,
    "null is nobody's choice": """
        -probe: {periodSeconds: , timeoutSeconds: ~}
        +probe: {periodSeconds: 10 , timeoutSeconds: 3}
        """,
    "a key without a colon is null": """
        -probe: {periodSeconds, httpGet: {port: 80}}
        +probe: {periodSeconds: 10, httpGet: {port: 80}, timeoutSeconds: 3}
        """,
}


@pytest.mark.parametrize("diff", FLOW.values(), ids=FLOW)
def test_flow_style(diff: str) -> None:
    check(diff, "/probe")


JSON = {
    "indented": """
         {
           "probe": {
             "httpGet": {
               "port": 80
        -    }
        +    },
        +    "timeoutSeconds": 3,
        +    "periodSeconds": 10
           }
         }
        """,
    "minified": """
        -{"probe":{"httpGet":{"port":80}}}
        +{"probe":{"httpGet":{"port":80},"timeoutSeconds":3,"periodSeconds":10}}
        """,
    "on one line": """
        -{"probe": {"httpGet": {"path": "/\\ud83d\\ude00\\/", "port": 80}}}
        +{"probe": {"httpGet": {"path": "/\\ud83d\\ude00\\/", "port": 80}, "timeoutSeconds": 3, "periodSeconds": 10}}
        """,  # noqa: E501
    "with tabs": """
         {
         \t"probe": {
        -\t\t"periodSeconds" : null,
        -\t\t"httpGet" : {"port": 80}
        +\t\t"periodSeconds" : 10,
        +\t\t"httpGet" : {"port": 80},
        +\t\t"timeoutSeconds" : 3
         \t}
         }
        """,
    "nothing in it": """
        -{"probe":{}}
        +{"probe":{"timeoutSeconds":3,"periodSeconds":10}}
        """,
}


@pytest.mark.parametrize("diff", JSON.values(), ids=JSON)
def test_json(diff: str) -> None:
    check(diff, "/probe")


def test_json_values_after_each_other() -> None:
    data = b'{"probe": {"a": 1}}\n{"probe": {"a": 1}} {"probe": {"a": 1}}\n'

    rewritten = rewrite(data, [Edit(2, "/probe/b", 2), Edit(0, "/probe/b", 1)])

    assert rewritten.data == (
        b'{"probe": {"a": 1, "b": 1}}\n{"probe": {"a": 1}} {"probe": {"a": 1, "b": 2}}\n'
    )


def test_mappings_in_lists_and_in_each_other() -> None:
    check(
        """
         items:
         - name: a
           probe:
             exec:
               command: [a]
        +      timeoutSeconds: 3
        +      periodSeconds: 10
        +    timeoutSeconds: 3
        +    periodSeconds: 10
         - name: b
        -  probe: {a: 1}
        +  probe: {a: 1, timeoutSeconds: 3, periodSeconds: 10}
         -   probe:
               a: 1
        +      timeoutSeconds: 3
        +      periodSeconds: 10
        """,
        "/items/0/probe",
        "/items/0/probe/exec",
        "/items/1/probe",
        "/items/2/probe",
    )


def test_keys_with_slashes_and_tildes() -> None:
    check(
        """
        -{a/b: {c~d: {x: 1}}}
        +{a/b: {c~d: {x: 1, timeoutSeconds: 3, periodSeconds: 10}}}
        """,
        "/a~1b/c~0d",
    )


REFUSED = {
    "an alias": (
        "a: &x {b: 1}\nprobe: *x\n",
        2,
        "probe is the alias *x, which stands for text elsewhere; write it out",
    ),
    "an anchor that is used": (
        "probe: &x {b: 1}\na: *x\n",
        1,
        "probe has the anchor &x, and what stands as *x would change with it; write it out there",
    ),
    "an anchor around it": (
        "- &x\n  probe: {b: 1}\n- *x\n",
        1,
        "0 has the anchor &x, and what stands as *x would change with it; write it out there",
    ),
    "a merge key": (
        "a: &x\n  probe: {b: 1}\nb:\n  <<: *x\n",
        4,
        "probe comes from a merge key (<<) of b; write it out there",
    ),
    "a tag": ("probe: !helm {a: 1}\n", 1, "probe has the tag !helm; remove the tag"),
    "a repeated key around it": (
        "probe: {a: 1}\nprobe: {b: 1}\n",
        1,
        "probe is repeated in the document; remove all but one",
    ),
    "a repeated key in it": (
        "probe: {a: 1,\n periodSeconds: 1,\n periodSeconds: null}\n",
        2,
        "periodSeconds is repeated in probe; remove all but one",
    ),
    "a template": (
        "probe:\n  a: 1\n  # {{- if .Values.timings }}\n",
        1,
        "the {{ looks like a template; render it, or write the values into the template",
    ),
    "a text": ("probe: '{a: 1}'\n", 1, "probe is no mapping; make it one"),
    "not there": ("a: 1\n", 1, "probe is not written in the document; write it there"),
    "a value with an anchor": (
        "probe: {periodSeconds: &x null}\na: *x\n",
        1,
        "periodSeconds is neither a number nor null; write 10",
    ),
    "unreadable": (
        "probe:\n\ta: 1\n",
        2,
        "not YAML: found character that cannot start any token while scanning for the next token; "
        "indent with spaces, not tabs",
    ),
    "a text that would change": (
        "probe:\n  a: |\n    no line break here",
        3,
        "a change here would change what else the text says; set it by hand",
    ),
}
POINTERS = {"an anchor around it": "/0/probe", "a merge key": "/b/probe"}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_line_and_way_out(case: str) -> None:
    text, line, message = REFUSED[case]
    before = b"# first\nother: {a: 1}\n---\n"
    data = before + text.encode()

    rewritten = rewrite(data, edits("/other") + edits(POINTERS.get(case, "/probe"), document=1))

    (refusal,) = rewritten.refusals
    assert (refusal.line, refusal.message) == (line + 3, message)
    assert {edit.document for edit in refusal.edits} == {1}
    # what can be done is done
    done = b"# first\nother: {a: 1, timeoutSeconds: 3, periodSeconds: 10}\n---\n"
    assert rewritten.data == done + text.encode()


def test_of_one_mapping_all_edits_are_made_or_none() -> None:
    data = b"probe: {periodSeconds: [1]}\nother: {}\n"

    rewritten = rewrite(data, edits("/probe", "/other"))

    assert (
        rewritten.data
        == b"probe: {periodSeconds: [1]}\nother: {timeoutSeconds: 3, periodSeconds: 10}\n"
    )
    assert [edit.key for refusal in rewritten.refusals for edit in refusal.edits] == list(TIMINGS)


def test_nothing_asked_is_nothing_changed() -> None:
    assert rewrite(b"\xff\xfe", []).data == b"\xff\xfe"
