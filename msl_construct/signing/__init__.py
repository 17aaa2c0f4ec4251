"""Who vouches for a dump, and when: a statement about it, its signature, its time stamp (§2.2).

The chain of a dump has no key: whoever can write the file can make its chain anew. Only what is
signed or dated by somebody else shows that. Nothing here reads a dump; it is told what one says.
"""

from .signers import Signers, read_signers
from .sshsig import NAMESPACE, Signature, fingerprint, read_signature, sign, sign_with_ssh_keygen
from .statement import DumpStatement, read_statement
from .timestamps import Dated, make_request, read_response

__all__ = [
    "NAMESPACE",
    "Dated",
    "DumpStatement",
    "Signature",
    "Signers",
    "fingerprint",
    "make_request",
    "read_response",
    "read_signature",
    "read_signers",
    "read_statement",
    "sign",
    "sign_with_ssh_keygen",
]
