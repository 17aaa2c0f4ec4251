"""Encrypted files (draft 2026-10 §10): keys, the ciphers, and a view of the plaintext.

Behind the header and the enclosed key stands one AEAD message. `unlock` derives the content key,
goes over the message once to verify its tag, and gives a source that decrypts what is asked of it:
everything stands in it where it stands in the file. Nothing is kept in memory, and no plaintext is
handed out before the tag was found to match.

What is needed of the package ``cryptography`` is imported when a key is used.
"""

from __future__ import annotations

from .keys import Keys

__all__ = ["Keys"]
