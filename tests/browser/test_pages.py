"""The pages about policies that the Flask application serves."""

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import DESKTOP, PHONE, Look, complaints
from tests.builders import load_profiles
from webhook.catalog import POLICIES
from webhook.explain import pages
from webhook.explain.html import site

HOST = "http://podworthy.test"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/policies", "/policies/require-probes", "/policies/require-claims"]
)
def test_pages_of_policies_can_be_read(look: Look, path: str, scheme: str) -> None:
    served = site(pages(POLICIES.values(), load_profiles()), "/policies")

    def answer(route: Route) -> None:
        body = served.get(route.request.url.removeprefix(HOST))
        route.fulfill(body=body or b"", status=200 if body else 404, content_type="text/html")

    with look("about:blank", bypass_csp=True, color_scheme=scheme) as looked:
        page = looked.page
        page.route("**/*", answer)
        looked.requests.clear()
        page.goto(f"{HOST}{path}")

        assert complaints(page) == []
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            assert not looked.is_wider_than_its_window()
        looked.shoot(f"{path.strip('/').replace('/', '-')}-{scheme}")
        assert looked.requests == [f"{HOST}{path}"]
        assert looked.console == []


def test_they_keep_their_own_rules(look: Look) -> None:
    served = site(pages(POLICIES.values(), load_profiles()), "/policies")

    with look("about:blank") as looked:
        page = looked.page
        page.route(
            "**/*", lambda route: route.fulfill(body=served["/policies"], content_type="text/html")
        )
        page.goto(f"{HOST}/policies")

        # the style is allowed by its hash
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.policies')).width") != "auto"
        )
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "864px"
        assert looked.console == []
