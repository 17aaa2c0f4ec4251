"""A TLS client and its server in one process; says its secrets, and stays: ``VERSION CERT KEY``."""

import ssl
import sys
import tempfile
from pathlib import Path

version, certificate, key = sys.argv[1:4]
number = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
log = Path(tempfile.mkdtemp()) / "log"
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(certificate, key)
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
client.keylog_filename = str(log)
for context in (server, client):
    context.minimum_version = context.maximum_version = number
to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
near = client.wrap_bio(to_client, to_server)
far = server.wrap_bio(to_server, to_client, server_side=True)
done: set[ssl.SSLObject] = set()
while len(done) < 2:
    for one in (near, far):
        try:
            one.do_handshake()
            done.add(one)
        except ssl.SSLWantReadError:
            pass
near.write(b"ping")
assert far.read(4) == b"ping"
far.write(b"pong")
assert near.read(4) == b"pong"
for line in log.read_text().splitlines():
    if not line.startswith("#"):
        label, _, secret = line.split()
        print(label, secret)
log.unlink()
log.parent.rmdir()
print("ready", flush=True)
sys.stdin.read()
