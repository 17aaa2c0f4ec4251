"""Other formats of captured processes, in and out: ELF cores, minidumps, Mach-O cores, raw bytes.

What a file of any of them says becomes a `CapturedProcess`, and what is written is made of one.
Nothing here knows a Memory Slice but as something that is written.
"""

from __future__ import annotations
