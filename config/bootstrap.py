"""Make or refresh the virtual environment: `python3 config/bootstrap.py [--dev] FOLDER`.

Runs before anything is installed, so it needs only the standard library, and it is written
so that an old Python can still say that it is too old.
"""

import argparse
import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)
STAMP = "comptroller.stamp"


def fail(message):
    sys.stderr.write("comptroller: %s\n" % message)
    sys.exit(2)


def lock_for(version, dev):
    """The lock file of this Python; a Python newer than all locks uses the newest."""
    locks = os.path.join(ROOT, "locks")
    for minor in range(version[1], OLDEST[1] - 1, -1):
        path = os.path.join(locks, "python-3.%d%s.txt" % (minor, "-dev" if dev else ""))
        if os.path.exists(path):
            return path
    return fail("no lock file for Python %d.%d in %s" % (version[0], version[1], locks))


def fingerprint(*paths):
    digest = hashlib.sha256(("%d.%d" % sys.version_info[:2]).encode())
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def run(arguments, failure):
    if subprocess.call(arguments, cwd=ROOT) != 0:
        fail(failure)


def python_of(folder):
    return os.path.join(folder, "bin", "python")


def works(folder):
    """Whether the environment is of this Python version and has pip: it may have been moved or half made."""
    script = "import sys, pip; sys.exit(sys.version_info[:2] != (%d, %d))" % sys.version_info[:2]
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call([python_of(folder), "-c", script], stderr=nowhere) == 0
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    options = parser.parse_args()
    if sys.version_info[:2] < OLDEST:
        fail(
            "Python 3.11 or newer is needed, this is %d.%d; name one: make run PYTHON=python3.12" % sys.version_info[:2]
        )

    runtime, lock = lock_for(sys.version_info, False), lock_for(sys.version_info, options.dev)
    stamp = os.path.join(options.folder, STAMP)
    wanted = [fingerprint(runtime)] + ([fingerprint(runtime, lock)] if options.dev else [])
    try:
        with open(stamp) as file:
            installed = file.read().split()
    except OSError:
        installed = []
    if works(options.folder) and set(wanted) <= set(installed):
        return
    if not works(options.folder):
        print("making a virtual environment in %s" % options.folder)
        run(
            [sys.executable, "-m", "venv", "--clear", options.folder],
            "Python's venv module is incomplete; on Debian: apt install python3-venv",
        )
    print("installing from %s" % os.path.relpath(lock, ROOT))
    run(
        [
            python_of(options.folder),
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            lock,
        ],
        "the packages could not be installed; the lines above say why",
    )
    with open(stamp, "w") as file:
        file.write("\n".join(wanted) + "\n")


if __name__ == "__main__":
    main()
