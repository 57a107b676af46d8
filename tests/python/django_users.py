"""Users as django-otp leaves them: an SQLite file at argv[1], at the time argv[2].

Each has an app that has logged in once, by django-otp's own verification. Prints the secret in
hexadecimal digits and the last code for each, as "name hex code".
"""
import os
import sys
import time
from unittest import mock

import django
from django.conf import settings

path, now = sys.argv[1], int(sys.argv[2])
settings.configure(
    SECRET_KEY="not a secret",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django_otp",
        "django_otp.plugins.otp_totp",
        "django_otp.plugins.otp_static",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django_otp.oath import TOTP  # noqa: E402
from django_otp.plugins.otp_static.models import StaticDevice  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402

call_command("migrate", verbosity=0)
for number in range(20):
    user = User.objects.create(username=f"user-{number}")
    device = TOTPDevice.objects.create(user=user, name="default", digits=8 if number % 5 == 0 else 6)
    if number % 4 == 1:
        static = StaticDevice.objects.create(user=user, name="backup")
        for code in range(3):
            static.token_set.create(token=f"backup{number:02}{code}")
    # Some clocks are a step behind.
    behind = 1 if number % 3 == 0 else 0
    with mock.patch("time.time", return_value=now - 90 + 30 * (number % 3)):
        totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
        totp.time = time.time() - 30 * behind
        code = f"{totp.token():0{device.digits}}"
        assert device.verify_token(int(code)), number
    print(user.username, device.key, code)
# One who has signed up and has no second factor, and one who has not confirmed it.
User.objects.create(username="plain")
waiting = User.objects.create(username="waiting")
TOTPDevice.objects.create(user=waiting, name="default", confirmed=False)
os.sync()
