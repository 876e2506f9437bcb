"""The proof: manifests, counts, checks and the ledger that keeps what they found."""
