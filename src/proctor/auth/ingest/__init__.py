"""What hosts may put into the audit log."""
