"""Dead letters: what they say, what would become of them if they were sent again, and sending them again."""
