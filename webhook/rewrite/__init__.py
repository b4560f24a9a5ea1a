"""Numbers set in the author's own YAML or JSON text, and nothing else changed.

The place is found by the marks of the parsers, the new text is written as its neighbours are, and
whatever comes out is proved before anybody gets it: see `proof`.
"""

from webhook.rewrite.diff import Differ
from webhook.rewrite.document import rewrite
from webhook.rewrite.edits import Change, Edit, Group, Refusal, Rewritten, Splice

__all__ = ["Change", "Differ", "Edit", "Group", "Refusal", "Rewritten", "Splice", "rewrite"]
