"""How fast sevis is, beside what it rests on and what others offer: make bench, make bench-growth."""
