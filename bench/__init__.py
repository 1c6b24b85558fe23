"""Speed, side by side with a peer in one run: `python -m bench`."""
