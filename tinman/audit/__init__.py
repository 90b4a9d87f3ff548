"""The audit trail: a hash chain of what was decided, and what stands outside the database to hold it to."""

from tinman.audit.chain import AuditLog, Head

__all__ = ["AuditLog", "Head"]
