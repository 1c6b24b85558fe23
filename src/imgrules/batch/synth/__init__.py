"""Made-up applicants, realistic and seeded, for trying batches: `imgrules synth`.

conditions (single rules judged quickly) → habits (what golden cases have in common) → lives (one applicant at a time)
→ moves (how far each may be varied safely) → population (rows by the block) → tables, dirt, files.

Nothing here knows the field: the vocabulary, the contradictions and the golden cases say what an applicant is like.
"""
