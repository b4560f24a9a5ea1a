"""Where policies are documented: which addresses are taken, and what becomes of them."""

import pytest

from webhook.links import MAX_URL, base_url, policy_url


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("https://docs.example/policies", "https://docs.example/policies/named"),
        ("https://docs.example/policies/", "https://docs.example/policies/named"),
        ("https://docs.example///", "https://docs.example/named"),
        ("http://docs.example", "http://docs.example/named"),
        ("HTTPS://docs.example:8443/a%20b", "HTTPS://docs.example:8443/a%20b/named"),
        ("http://[::1]:80/x", "http://[::1]:80/x/named"),
        ("https://docs.example/".ljust(MAX_URL, "x"), None),
    ],
)
def test_a_policys_page_is_below_the_address(text: str, page: str | None) -> None:
    assert policy_url(base_url(text), "named") == (page or f"{text}/named")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "docs.example/policies",
        "ftp://docs.example",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///policies",
        "https:docs.example",
        "https://:443/policies",
        "https://docs.example:port/",
        "https://[::1/",
        "https://docs.example/a b",
        "https://docs.example/a\nb",
        "https://docs.example/\u20ac",
        "https://docs.example/?policy=",
        "https://docs.example/#",
        "https://ada:secret@docs.example/",
        "https://docs.example/".ljust(MAX_URL + 1, "x"),
    ],
)
def test_what_is_no_address_of_pages_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address of pages: give http://HOST/PATH or https:"):
        base_url(text)
