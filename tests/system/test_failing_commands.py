"""What cannot be, as whole programs meet it: a message, an exit code, no traceback, nothing left behind."""

import socket
import subprocess
from pathlib import Path

from lanes.command_line import PROGRAM, command, environment, processes_in


def assert_reported(stderr: str, *, lines: int = 1) -> None:
    reported = [line for line in stderr.splitlines() if line.startswith("crampwatch: ")]
    assert len(reported) == lines, stderr
    assert "Traceback" not in stderr
    assert reported[-1].rstrip().endswith((".", "`")), stderr
    assert "\x1b" not in stderr


def test_a_replay_of_an_unreadable_file_ends_before_anything_starts(tmp_path: Path) -> None:
    noise = tmp_path / "night.edf"
    noise.write_bytes(bytes(range(256)) * 8)
    for file in (noise, tmp_path / "absent.edf"):
        done = command("replay", file, "--no-browser", "--data", tmp_path / "data")
        assert done.returncode == 4, (done.returncode, done.stderr)
        assert_reported(done.stderr)
    assert processes_in(tmp_path) == []


def test_a_broker_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = command("wear", "--broker", f"mqtt://127.0.0.1:{port}", "--data", tmp_path, "--no-browser")
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert_reported(done.stderr)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = command("demo", "--port", port, "--data", tmp_path, "--no-browser")
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert str(port) in done.stderr
    assert_reported(done.stderr)


def test_no_bluetooth_adapter(tmp_path: Path) -> None:
    bus = f"unix:path={tmp_path}/no-bus"
    for arguments in (("scan", "--seconds", 0.5), ("wear", "--no-browser")):
        done = command(*arguments, "--data", tmp_path, env={"DBUS_SYSTEM_BUS_ADDRESS": bus})
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert "Bluetooth" in done.stderr
        assert_reported(done.stderr)


def test_no_dongle_where_one_was_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = command("scan", "--adapter", f"bumble:tcp-client:127.0.0.1:{port}", "--data", tmp_path)
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert_reported(done.stderr)


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am a file.")
    done = command("demo", "--no-browser", "--data", tmp_path / "file" / "data")
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert_reported(done.stderr)


def test_a_closed_output_pipe_is_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "minute.npz"
    assert command("simulate", "--scenario", "cramp", "--hours", 0.05, "--out", path).returncode == 0
    shell = f"{' '.join(PROGRAM)} detect {path} --json | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=environment(), check=False)
    assert done.stdout.count("\n") == 1
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
