"""From parameters to simulated BOLD and its measures."""
