"""The page of a dev session: what answers, what was asked, and a form to try each Endpoint."""
