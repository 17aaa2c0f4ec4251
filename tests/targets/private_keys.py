"""Private keys of all kinds in one process; says their numbers, and stays."""

import sys

from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

held = [
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    x25519.X25519PrivateKey.generate(),
]
own = rsa.generate_private_key(65537, 1024)
der = own.private_bytes(
    forms.Encoding.DER, forms.PrivateFormat.TraditionalOpenSSL, forms.NoEncryption()
)
sent = held[1].public_key().public_bytes(forms.Encoding.X962, forms.PublicFormat.UncompressedPoint)
shared = held[2].public_key().public_bytes_raw()
numbers = held[0].private_numbers()
print("rsa_prime", numbers.p.to_bytes(128, "little").hex())
print("rsa_prime", numbers.q.to_bytes(128, "little").hex())
print("rsa_private_key_der", der.hex())
print("p256_private_key", held[1].private_numbers().private_value.to_bytes(32, "little").hex())
print("x25519_private_key", held[2].private_bytes_raw().hex())
print("ready", flush=True)
sys.stdin.read()
