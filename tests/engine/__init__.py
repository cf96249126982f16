"""The engine against a network that is only arithmetic: every picture carries a number, and the answer's score is that number."""
