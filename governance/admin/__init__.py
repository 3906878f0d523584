"""The desk. Django's admin imports this package when it looks for admin modules; its site takes their place here."""

from functools import partial

from governance.admin.decide import decide_view
from governance.admin.queue import decided_view, queue_view, waiting_view
from governance.admin.site import install

desk = install()
desk.page("queue/", partial(queue_view, desk), "queue")
desk.page("queue/waiting/", partial(waiting_view, desk), "waiting")
desk.page("queue/decided/", partial(decided_view, desk), "decided")
desk.page("decide/<int:stage_id>/", partial(decide_view, desk), "decide")
