"""Judge, checks, diagnoses and reports: from a submission's folder to points and reasons."""
