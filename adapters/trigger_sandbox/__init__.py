"""A sender that never reaches anybody: for demonstrations, load tests and the tests of a host.

It follows the test numbers and addresses that people know, and reports afterwards what a provider would.
"""

from trigger_sandbox._sender import SandboxSender

__all__ = ["SandboxSender"]
