"""Who may open a gate: approvals as signed statements, and the approvers whose signatures count. Pure."""
