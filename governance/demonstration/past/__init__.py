"""The year before: 1,900 requests, judged by the same estimator and rules as today's, and written in bulk."""
