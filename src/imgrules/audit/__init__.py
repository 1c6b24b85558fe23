"""The ledger of decisions: append, verify, erase, replay, and what a change of the rules means for what was decided."""
