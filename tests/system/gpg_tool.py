# SPDX-License-Identifier: Apache-2.0
"""A throw-away GnuPG home with keys of its own."""
import os
import shutil
import subprocess
import tempfile


class Gpg:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="assay-gpg-", dir="/tmp")  # sockets want short paths

    def close(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False,
                       capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *args, data=None):
        return subprocess.run(["gpg", "--homedir", self.home, "--batch", "--quiet", "--yes",
                               "--no-tty", *args], input=data, check=True,
                              capture_output=True).stdout

    def new_key(self, user, expires="0"):
        """Its fingerprint."""
        self.run("--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", expires)
        listed = self.run("--with-colons", "--list-keys", user).decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr:"))

    def export(self, *keys, armor=False):
        return self.run(*(["--armor"] if armor else []), "--export", *keys)

    def clear_sign(self, text, *options):
        return self.run(*options, "--clearsign", data=text)

    def detach_sign(self, text, *options):
        return self.run(*options, "--armor", "--detach-sign", data=text)

    def revoke(self, key):
        path = os.path.join(self.home, "openpgp-revocs.d", key + ".rev")
        with open(path) as f:
            text = f.read().replace(":-----BEGIN", "-----BEGIN")
        self.run("--import", data=text.encode())
