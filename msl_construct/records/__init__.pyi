from .draft_2026_10 import *  # noqa: F403
