"""The WSGI application of trigger-core, and a server for it."""

from trigger_falcon._app import create_app
from trigger_falcon._server import serve

__all__ = ["create_app", "serve"]
