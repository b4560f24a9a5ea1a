"""What audits and denials came to over time: kept in a database, bounded, read as a trend."""

from webhook.history.entries import Counter, Denial, Run, Tally
from webhook.history.store import History
from webhook.history.trend import Day, Trend

__all__ = ["Counter", "Day", "Denial", "History", "Run", "Tally", "Trend"]
