"""`python -m imgrules`."""

from imgrules.cli import main

main()
