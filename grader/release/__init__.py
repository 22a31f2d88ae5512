"""What instructors give away: the student's zip, and the autograder for Gradescope."""
