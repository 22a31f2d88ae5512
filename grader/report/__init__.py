"""Reports: every one of them is drawn from the same list of Results."""
