"""Writes a key container of hardware tokens, as the python-pskc library does, to argv[1]."""
import sys

from pskc import PSKC

container = PSKC()
for number, algorithm, suite, digits, interval in [
    (1, "totp", None, 6, 30),
    (2, "totp", "HMAC-SHA256", 8, 60),
    (3, "hotp", None, 6, None),
]:
    key = container.add_key(
        id=f"key-{number}",
        serial=f"7654{number}",
        manufacturer="Yubico",
        algorithm=f"urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}",
        secret=bytes([number]) * (32 if suite else 20),
        response_length=digits,
        response_encoding="DECIMAL",
        time_interval=interval,
        time_offset=0 if interval else None,
        time_drift=-2 if number == 2 else None,
        algorithm_suite=suite,
        key_userid=f"UID=user-{number}",
    )
container.write(sys.argv[1])
