"""The tests: `make test` in minutes, `make prove` for the long proofs, `make soak` for all of their length."""
