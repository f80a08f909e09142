"""`dvc` and `python -m` in processes forked from one that has imported what they import.

This saves the time that Python takes to import torch or DVC for each command. First on the PATH of
a test's commands are a `dvc` and a `python` that ask that process to fork. A command that a test
kills or gives a PYTHONPATH, and one that a shell or make calls, is the real one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

# Nothing of `stages` or `team`: a test may change those.
IMPORTED = (
    *("dvc.cli.parser", "dvc.repo", "dvc.stage.cache", "dvc_s3", "dvc_ssh"),
    *("dvc_render", "jinja2", "onnx", "PIL.Image", "platformdirs", "pydantic", "rich.console"),
    *("ruamel.yaml", "tabulate", "torch", "tqdm"),
)

# It ends as the forked process does.
CALLER = """\
#!{python} -IS
import json, os, socket, sys
if sys.argv[0].endswith("python") and sys.argv[1:2] != ["-m"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(call).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(call)
    code = int(server.recv(16))
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def faster(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment whose `dvc` and `python` are those of this module."""
    if "PYTHONPATH" in environment:
        return dict(environment)
    return {**environment, "PATH": f"{_serving()}{os.pathsep}{environment['PATH']}"}


@cache
def _serving() -> Path:
    """The folder of the callers, once the process that they call listens; it ends with this one."""
    folder = Path(mkdtemp(prefix="forked"))
    for name in "dvc", "python":
        caller = folder / name
        caller.write_text(CALLER.format(python=sys.executable, address=str(folder / "socket")))
        caller.chmod(0o755)
    command = [sys.executable, __file__, str(folder / "socket")]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(server.communicate)
    assert server.stdout is not None
    assert server.stdout.read(1)
    return folder


def _serve(address: str) -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        os.write(1, b".")
        while True:
            call, _ = server.accept()
            if (pid := os.fork()) == 0:
                break
            threading.Thread(target=_answer, args=(call, pid)).start()
    _end(_run(call))


def _end_with_the_tests() -> None:
    os.read(0, 1)
    os._exit(0)


def _answer(call: socket.socket, pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    with call:
        call.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _run(call: socket.socket) -> object:
    """Do what was called for, in this process, with the caller's descriptors; the exit code."""
    size, descriptors, _, _ = socket.recv_fds(call, 4, 3)
    with call.makefile("rb") as sent:
        arguments, folder, environment = json.loads(sent.read(int.from_bytes(size, "big")))
    call.close()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    del sys.path[0]  # the folder of this file
    name, *sys.argv[1:] = arguments
    try:
        if Path(name).name == "dvc":
            from dvc.cli import main

            return main(arguments[1:])
        module = sys.argv[2]
        del sys.argv[1:3]
        sys.path.insert(0, folder)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: object) -> None:
    """End as Python does, but for taking all that was imported apart, which takes 0.4 s."""
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve(sys.argv[1])
