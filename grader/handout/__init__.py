"""From one solution to everything a student gets, and back from what a student hands in."""
