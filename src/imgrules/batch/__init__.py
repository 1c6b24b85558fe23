"""Tables of applicants: read, judged in columns, written out."""
