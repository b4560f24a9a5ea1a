"""The controller's own audits of the cluster, and where their results go."""

from webhook.controller.audits.auditor import Auditor, Plan
from webhook.controller.audits.denials import Denials
from webhook.controller.audits.policy_reports import PolicyReports
from webhook.controller.audits.status import AuditStatus

__all__ = ["AuditStatus", "Auditor", "Denials", "Plan", "PolicyReports"]
