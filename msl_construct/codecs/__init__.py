"""What compresses payloads and inflates them: bytes in, bytes out; no layout is known here."""
