"""How the web server runs, wherever it is started: `gunicorn --config python:config.serve.web_server`.

gunicorn keeps the processes: it starts, watches, replaces and stops them. What happens on a connection is
`config/serve/web_worker.py`'s.
"""

wsgi_app = "config.wsgi"
worker_class = "config.serve.web_worker.BufferingWorker"
workers = 2
threads = 4
worker_connections = 500
timeout = 60
graceful_timeout = 10
control_socket_disable = True
