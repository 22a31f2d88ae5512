"""How the time of a submission becomes points: measured beside the reference, with an interval."""
