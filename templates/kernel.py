#!/usr/bin/env python3
"""Starts the kernel @TITLE@.

Made by deploy-kernel; do not edit. It looks for the program under ../input by
its SHA-256, copies it to where programs may run, runs it with the arguments
that it was given itself, and ends with the program's exit status. Where the
program is missing but there is a Go toolchain, it builds the source below,
which is the one that the program was built from. A program that is killed, as
by the system where memory is short, is started once more on fewer cores and
goes on where it stopped.

To read that source:  python3 kernel.py --print-source > kernel.go
"""

import base64
import collections
import contextlib
import gzip
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = @PROGRAM@
SHA256 = @SHA256@
SIZE = @SIZE@  # bytes
DATASET = @DATASET@  # where the program was uploaded to
GO_VERSION = @GO_VERSION@  # that the source needs at least

STARTED = time.time()
MANY_FILES = 1000  # a folder with more files than this is of images, not of programs
MAX_DEPTH = 8  # folders below the input root
MAX_FOLDERS = 20000


class Failure(Exception):
    """What the user is told in one line."""


def say(text):
    print("kernel.py: " + text, file=sys.stderr, flush=True)


def setting(arguments, name, default):
    """Returns what the program will take for its flag of that name."""
    for i, argument in enumerate(arguments):
        flag, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and flag == name:
            return value if equals else "".join(arguments[i + 1 : i + 2])
    return os.environ.get("DEPLOY_KERNEL_" + name.upper()) or default


def input_root(arguments):
    """Returns the folder to search, as the program itself will choose it."""
    default = "../input" if os.path.isdir("../input") else "/kaggle/input"
    return setting(arguments, "input", default)


def files_below(root):
    """Yields the files under root, folders near the root first."""
    queue = collections.deque([(root, 0)])
    seen = set()
    while queue and len(seen) < MAX_FOLDERS:
        folder, depth = queue.popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        count = 0
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        if depth < MAX_DEPTH:
                            queue.append((entry.path, depth + 1))
                        continue
                    count += 1
                    if count > MANY_FILES:
                        break
                    yield entry
        except OSError as error:
            say("skipping %s: %s" % (folder, error.strerror))


def digest(path, copy=None):
    """Returns the SHA-256 of a file, and writes its bytes to copy."""
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
            if copy:
                copy.write(block)
    return h.hexdigest()


def find_program(root):
    """Returns the path of the program, or None, and what else has its name."""
    others = []
    for entry in files_below(root):
        try:
            if entry.stat().st_size == SIZE and digest(entry.path) == SHA256:
                return entry.path, others
        except OSError as error:
            say("skipping %s: %s" % (entry.path, error.strerror))
            continue
        if entry.name == PROGRAM:
            others.append(entry.path)
    return None, others


def scratch_folders():
    """Yields new folders, one in each place where a program may be put."""
    tried = set()
    for place in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm", os.getcwd()):
        if not place or place in tried:
            continue
        tried.add(place)
        try:
            folder = tempfile.mkdtemp(prefix="deploy-kernel-", dir=place)
        except OSError:
            continue
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def go_toolchain():
    """Returns the path of a go command that is new enough, or None."""
    places = [shutil.which("go")]
    if os.environ.get("GOROOT"):
        places.append(os.path.join(os.environ["GOROOT"], "bin", "go"))
    places += ["/usr/local/go/bin/go", "/usr/lib/go/bin/go"]
    for go in places:
        if not go or not os.access(go, os.X_OK):
            continue
        try:
            text = subprocess.run([go, "version"], stdout=subprocess.PIPE, env=dict(os.environ, GOTOOLCHAIN="local")).stdout.decode()
        except OSError:
            continue
        version = re.search(r"go(\d+)\.(\d+)", text)
        if version and [int(n) for n in version.groups()] >= [int(n) for n in GO_VERSION.split(".")[:2]]:
            return go
        say("%s is too old: Go %s is needed" % (go, GO_VERSION))
    return None


def source():
    return gzip.decompress(base64.b64decode(SOURCE))


def build(go, folder):
    """Builds the program from the source in this script."""
    path = os.path.join(folder, "kernel.go")
    with open(path, "wb") as f:
        f.write(source())
    program = os.path.join(folder, PROGRAM)
    env = dict(os.environ, CGO_ENABLED="0", GOEXPERIMENT="", GOPROXY="off", GOTOOLCHAIN="local")
    env.update(GOFLAGS="", GOWORK="off", GOOS="linux", GOARCH="amd64")
    if not env.get("HOME"):
        env["GOCACHE"] = os.path.join(folder, "cache")
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", program, "kernel.go"]
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise Failure("%s could not build the program" % go)
    return program


def copy(path, folder):
    """Copies the program to the folder, and checks what arrived."""
    program = os.path.join(folder, PROGRAM)
    with open(program, "wb") as f:
        arrived = digest(path, f)
    if arrived != SHA256:
        raise Failure("%s changed while it was copied" % path)
    os.chmod(program, 0o700)
    return program


def start(program, arguments, cores):
    """Runs the program; returns its exit status, below 0 for that of a signal, and whether it was told to end."""
    env = dict(os.environ)
    env.setdefault("DEPLOY_KERNEL_ELAPSED", "%.1fs" % (time.time() - STARTED))
    if cores:
        env["DEPLOY_KERNEL_THREADS"] = str(cores)
    # A session of its own: it gets only the signals that are passed on below.
    child = subprocess.Popen([program] + arguments, start_new_session=True, env=env)
    told = []

    def pass_on(got, _):
        told.append(got)
        child.send_signal(got)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            signal.signal(number, pass_on)
        except ValueError:  # not the main thread
            pass
    return child.wait(), bool(told)


def run(program, arguments):
    """Runs the program, if need be twice, and returns its exit status."""
    status, told = start(program, arguments, 0)
    if status < 0 and not told:
        name = signal.Signals(-status).name
        hint = ": was the memory too small?" if name == "SIGKILL" else ""
        cores = max(1, (os.cpu_count() or 1) // 2)
        say("the program was ended by %s%s" % (name, hint))
        say("starting it again, on %d cores: it goes on where it stopped" % cores)
        status, told = start(program, arguments, cores)
    if status < 0:
        say("the program was ended by %s" % signal.Signals(-status).name)
        status = 128 - status
    if status and os.environ.get("KAGGLE_IS_COMPETITION_RERUN"):
        output = setting(arguments, "output", "submission.csv")
        if os.path.isfile(output) and os.path.getmtime(output) >= STARTED - 1:
            say("ending well all the same: %s holds what was predicted until then" % output)
            return 0
    return status


def missing(root, others):
    if others:
        return Failure(
            "%s is not the program that this script was made for (SHA-256 %s): upload the new one to %s" % (others[0], SHA256, DATASET)
        )
    return Failure(
        "no program %s (SHA-256 %s) under %s, and no Go %s to build it: add the dataset %s to the kernel"
        % (PROGRAM, SHA256, root, GO_VERSION, DATASET)
    )


def main(arguments):
    if arguments == ["--print-source"]:
        sys.stdout.buffer.write(source())
        return 0
    root = input_root(arguments)
    path, others = find_program(root)
    go = None if path else go_toolchain()
    if not path and not go:
        raise missing(root, others)
    if not path:
        say("no program %s under %s: building it with %s" % (PROGRAM, root, go))
    refused = "there is no folder to put the program in"
    with contextlib.closing(scratch_folders()) as folders:
        for folder in folders:
            try:
                program = copy(path, folder) if path else build(go, folder)
                return run(program, arguments)
            except OSError as error:  # a full disk, or a place where nothing may run
                refused = "%s: %s" % (folder, error.strerror)
    raise Failure("could not start the program: " + refused)


SOURCE = """
@SOURCE@
"""

if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Failure as failure:
        say(str(failure))
        status = 1
    if status:
        sys.exit(status)
