"""Who asks, and whether they may."""

from __future__ import annotations

import falcon

from trigger_core import Library

_CHALLENGE = 'ApiKey realm="trigger-core", in="header", name="X-API-Key"'


def account(library: Library, req: falcon.Request, scope: str) -> str:
    """The account whose key came with the request.

    Raises:
        falcon.HTTPUnauthorized: there is no key, or none that is good: which of them is not told.
        falcon.HTTPForbidden: the key lacks ``scope``.
    """
    key = req.env.get("HTTP_X_API_KEY")
    access = library.authenticate(key) if key else None
    if access is None:
        raise falcon.HTTPUnauthorized(
            description="This needs a valid API key in the header X-API-Key.", challenges=[_CHALLENGE]
        )
    if scope not in access.scopes:
        raise falcon.HTTPForbidden(description=f"This needs an API key with the scope {scope}.")
    return access.account
