"""The test kit for policies: plain functions that raise `AssertionError` with what was found.

    policy = load_policy("own/require_pinned.py")

    def test_an_image_without_a_tag() -> None:
        assert_violates(policy, Path("bad/pod.yaml"), "/spec/containers/0/image")

A manifest is a path, YAML text, one object as a dict, or several in a list. It is read as
`podworthy audit` reads it and holds one workload. Params are given as in a profile, in camelCase.
An error of the policy itself is raised as it is; what the test got wrong is a `BadFixture`.
"""

from webhook.testing.asserts import (
    assert_as_expected,
    assert_clean,
    assert_fills,
    assert_violates,
)
from webhook.testing.fixtures import Expectation, Fixture, fixtures, load_fixture, load_policy
from webhook.testing.manifests import Case, Manifest

__all__ = [
    "Case",
    "Expectation",
    "Fixture",
    "Manifest",
    "assert_as_expected",
    "assert_clean",
    "assert_fills",
    "assert_violates",
    "fixtures",
    "load_fixture",
    "load_policy",
]
