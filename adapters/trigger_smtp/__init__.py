"""A sender of e-mail over SMTP, with nothing but the standard library."""

from trigger_smtp._sender import SMTPSender

__all__ = ["SMTPSender"]
