# SPDX-License-Identifier: Apache-2.0
"""A host with a watch.yaml of its own, and the commands that speak to its sensor."""
import signal
import subprocess

from sensor_host import BIN, Host


def assay(host, *words, check=True):
    done = subprocess.run([BIN / "assay", *words, "--state", host.state, "--run", host.run],
                          capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def profile(name, mode, paths, *more):
    """One profile of a watch.yaml; paths may begin with "!"."""
    lists = {"paths": [p for p in paths if not str(p).startswith("!")],
             "exclude": [p[1:] for p in map(str, paths) if p.startswith("!")]}
    text = f"  {name}:\n    mode: {mode}\n"
    for key, values in lists.items():
        if values:
            text += f"    {key}:\n" + "".join(f'      - "{v}"\n' for v in values)
    return text + "".join(f"    {line}\n" for line in more)


class Watched(Host):
    """A host with a watch.yaml of its own."""

    def __init__(self, directory):
        super().__init__(directory)
        self.watch, self.conf = [], directory / "conf"
        self.conf.mkdir()
        self.file = self.conf / "watch.yaml"

    def configure(self, *profiles):
        self.file.write_text("version: 1\nprofiles:\n" + "".join(profiles))

    def start_sensor(self, *options):
        super().start_sensor("--config", self.conf, *options)

    def reload(self):
        self.sensor.send_signal(signal.SIGHUP)

    def told(self, event, count=1):
        """Wait for so many integrity.watch entries of this sort; the last."""
        def found():
            return [e["what"] for e in self.entries("integrity.watch")
                    if e["what"]["event"] == event]
        self.wait(lambda: len(found()) >= count, f"integrity.watch {event}")
        return found()[-1]

    def baselines(self, reason):
        return [e["what"] for e in self.entries("integrity.baseline")
                if e["what"]["reason"] == reason]

    def settled(self, count):
        """Wait until the baseline has followed so many changes of what is watched."""
        self.wait(lambda: sum(len(self.baselines(reason)) for reason in
                              ("extended", "reduced", "configured")) >= count, "the baseline")

    def extended(self, count=1, reason="extended"):
        self.wait(lambda: len(self.baselines(reason)) >= count, f"a baseline, {reason}")
        return self.baselines(reason)[-1]
