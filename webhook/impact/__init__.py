"""What if another profile were in force: what would not come back, and what would excuse it."""

from webhook.impact.baseline import Baseline
from webhook.impact.run import run
from webhook.impact.trial import Promotion

__all__ = ["Baseline", "Promotion", "run"]
