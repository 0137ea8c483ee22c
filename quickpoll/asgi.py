"""The object that Hypercorn loads: ``hypercorn --config hypercorn.toml quickpoll.asgi:app``."""

from quickpoll.factory import create_app
from quickpoll.foundation import http1
from quickpoll.settings import settings_or_exit

http1.install()
app = create_app(settings_or_exit())
