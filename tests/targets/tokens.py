"""Secrets of several lengths that are nothing but random bytes; says them, and stays."""

import secrets
import sys

held = [bytearray(secrets.token_bytes(size)) for size in (16, 24, 32, 48, 64, 128) for _ in "ab"]
for one in held:
    print(f"secret_{len(one)}_bytes", one.hex())
print("ready", flush=True)
sys.stdin.read()
