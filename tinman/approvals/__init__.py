"""Approvals: what needs one, who is asked, and the only gate."""
