"""Upper bounds with names. Each stops one careless act from becoming everybody's problem."""

HOLD_DAYS_MAX = 14
"""Days after which an undecided hold ends and its money is free again."""

UNDECIDED_HOLDS_PER_PERSON_MAX = 60
UNDECIDED_HOLDS_PER_PROJECT_MAX = 400

TEAM_DEPTH_MAX = 12
BUDGET_DEPTH_MAX = 12
STAGE_COUNT_MAX = 40
FALLBACK_DEPTH_MAX = 5

REASON_CHARS_MIN = 3
REASON_CHARS_MAX = 4_000
COMMENT_CHARS_MAX = 4_000

ALERT_ATTEMPTS_MAX = 8
ALERT_LEASE_SECONDS = 60
SWEEP_BATCH = 500

BACKTEST_LEASE_SECONDS = 150
"""How long a worker has one month of a backtest to itself; longer than the time limit that ends its process."""
BACKTEST_ATTEMPTS_MAX = 3
"""A month that failed so often, or took its workers along, ends the run."""
BACKTEST_MONTHS_MAX = 600
