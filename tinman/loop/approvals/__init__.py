"""What a loop asks before it acts, who is asked, and what the answer is bound to."""
