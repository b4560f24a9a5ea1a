"""A policy's documentation, told from its docstring, its params and the shipped profiles.

`webhook.docstring` and `params` read, `page` puts together what there is to say of one policy, and
`text`, `markdown` and `html` show it. Only `html` needs Jinja: whoever shows no HTML imports none.
"""

from webhook.explain.page import Page, action, page, pages

__all__ = ["Page", "action", "page", "pages"]
