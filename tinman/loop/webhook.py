"""Approvals through a webhook, under the names a loop gives them; see ``tinman.approvals.webhook``."""

from __future__ import annotations

from tinman.approvals.webhook import SIGNATURE, TIMESTAMP, WebhookReviewer, read_answer, sign

WebhookApprovalRunner = WebhookReviewer

__all__ = ["SIGNATURE", "TIMESTAMP", "WebhookApprovalRunner", "read_answer", "sign"]
