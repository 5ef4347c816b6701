"""Stage fitting: parameters per person, and their scores over fresh seeds."""
