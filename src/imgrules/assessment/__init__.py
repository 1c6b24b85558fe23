"""From outcomes to what a person needs: stages, routes, blockers, fast tracks, advice, alerts, next steps, reasons."""
