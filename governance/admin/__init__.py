"""The desk. Django's admin imports this package when it looks for admin modules; its site takes their place here."""

from functools import partial

from governance.admin.site import install

desk = install()

# The site has to be in place before anything is registered on it.
from governance.admin.approvals import approvals, delegations, limits  # noqa: E402
from governance.admin.approvals.decide import decide_view  # noqa: E402
from governance.admin.approvals.queue import decided_view, queue_view, waiting_view  # noqa: E402
from governance.admin.grants import grants  # noqa: E402
from governance.admin.messages import alerts, flags  # noqa: E402
from governance.admin.money import budgets  # noqa: E402
from governance.admin.people import holidays, people, roles  # noqa: E402
from governance.admin.record import audit, jobs  # noqa: E402
from governance.admin.register import catalogue, register  # noqa: E402
from governance.admin.requests import assessments, provisioning  # noqa: E402
from governance.admin.rules import acceptable_use, exceptions, policies  # noqa: E402
from governance.admin.rules.backtests import act_view, backtest_view, backtests_view, export_view  # noqa: E402
from governance.admin.rules.policy_limits import limits_view  # noqa: E402
from governance.admin.rules.policy_pages import FIELDS_MAX, PREFIX  # noqa: E402
from governance.admin.rules.policy_table import table_view  # noqa: E402
from governance.admin.rules.policy_text import text_view  # noqa: E402
from governance.admin.rules.policy_words import words_view  # noqa: E402

desk.page("queue/", partial(queue_view, desk), "queue")
desk.page("queue/waiting/", partial(waiting_view, desk), "waiting")
desk.page("queue/decided/", partial(decided_view, desk), "decided")
desk.page("decide/<int:stage_id>/", partial(decide_view, desk), "decide")
desk.page(f"{PREFIX}/words/", partial(words_view, desk), "governance_policyversion_words")
# A field for each limit, or for each cell of a table.
desk.page(f"{PREFIX}/limits/", partial(limits_view, desk), "governance_policyversion_limits", fields_max=FIELDS_MAX)
desk.page(f"{PREFIX}/table/", partial(table_view, desk), "governance_policyversion_table", fields_max=FIELDS_MAX)
desk.page(f"{PREFIX}/text/", partial(text_view, desk), "governance_policyversion_text")
desk.page("policy-versions/<int:version_id>/backtests/", partial(backtests_view, desk), "backtests")
desk.page("backtests/<int:backtest_id>/", partial(backtest_view, desk), "backtest")
desk.page("backtests/<int:backtest_id>/changed.csv", export_view, "backtest_export")
desk.page("backtests/<int:backtest_id>/<slug:act>/", act_view, "backtest_act")

__all__ = [
    "acceptable_use",
    "alerts",
    "approvals",
    "assessments",
    "audit",
    "budgets",
    "catalogue",
    "delegations",
    "desk",
    "exceptions",
    "flags",
    "grants",
    "holidays",
    "jobs",
    "limits",
    "people",
    "policies",
    "provisioning",
    "register",
    "roles",
]
