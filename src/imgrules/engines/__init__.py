"""Executors of a program behind one small protocol: same outcomes, different strengths."""
