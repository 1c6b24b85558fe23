"""The rules: read, checked, and grounded into the form that engines run. Knows no engine."""
