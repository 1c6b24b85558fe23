"""A real Spark cluster on this machine: a master, two workers, one of them killed in mid-run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgrules.batch.inputs import Inputs, open_inputs
from imgrules.batch.run import Settings, run
from imgrules.errors import InputError
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.test_run import contents, job

pytestmark = pytest.mark.skipif(
    not shutil.which("java") and not os.environ.get("CI"),
    reason="Spark needs Java 17 (Debian: openjdk-17-jre-headless)",
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Cluster:
    """A standalone master and its workers, each a process of its own, all on the loopback interface."""

    def __init__(self, folder: Path) -> None:
        import pyspark

        self.folder = folder
        self.home = Path(pyspark.__file__).parent
        self.port = free_port()
        self.master = f"spark://127.0.0.1:{self.port}"
        self.processes = [self._start("master.Master", "--port", str(self.port), "--webui-port", str(free_port()))]
        self._wait("master.Master", "New state: ALIVE")
        self.workers = [self._worker(i) for i in range(2)]
        for i in range(2):
            self._wait(f"worker.Worker{i}", "Successfully registered")

    def _start(self, name: str, *more: str, log: str = "") -> subprocess.Popen[bytes]:
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        line = [str(self.home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *more]
        with (self.folder / f"{log or name}.log").open("wb") as out:
            return subprocess.Popen(line, stdout=out, stderr=out, env=environment, start_new_session=True)

    def _worker(self, i: int) -> subprocess.Popen[bytes]:
        folder = str(self.folder / f"work{i}")
        options = ["--cores", "1", "--memory", "1g", "--webui-port", str(free_port()), "--work-dir", folder]
        return self._start("worker.Worker", *options, self.master, log=f"worker.Worker{i}")

    def _wait(self, log: str, words: str) -> None:
        path = self.folder / f"{log}.log"
        for _ in range(600):
            if words in path.read_text(encoding="utf-8", errors="replace"):
                return
            time.sleep(0.1)
        raise TimeoutError(path.read_text(encoding="utf-8", errors="replace")[-2000:])

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """At once, with the executor it started."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in [*self.workers, *self.processes]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    found = Cluster(tmp_path_factory.mktemp("spark"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet table of made-up applicants, some of whom cannot be judged."""
    path = tmp_path_factory.mktemp("people") / "people.parquet"
    line = [sys.executable, "-m", "imgrules", "synth", "1200", "--out", str(path), "--states", "TX", "--dirty", "0.02"]
    subprocess.run(line, check=True, capture_output=True)
    return path


def test_a_cluster_gives_what_one_machine_gives_though_a_worker_dies(
    cluster: Cluster, people: Path, rules: Rulebase, tmp_path: Path
) -> None:
    """Byte for byte, with one of two workers killed while parts are being worked on."""
    wanted = ("ecfmg.certification", "residency.match", "licence.standard")
    run(open_inputs([people], rows_per_part=100), job(rules, wanted=wanted), tmp_path / "local", Settings(check=5))
    killed = threading.Event()

    def kill_when_half_done() -> None:
        done = tmp_path / "spark" / ".run" / "done"
        while not killed.is_set():
            if done.exists() and len(list(done.glob("part-*.json"))) >= 2:
                cluster.kill(cluster.workers[0])
                killed.set()
            time.sleep(0.02)

    watcher = threading.Thread(target=kill_when_half_done, daemon=True)
    watcher.start()
    settings = Settings(check=5, master=cluster.master)
    run(open_inputs([people], rows_per_part=100), job(rules, wanted=wanted), tmp_path / "spark", settings)
    assert killed.is_set(), "the run was over before the worker could be killed"
    assert cluster.workers[0].poll() is not None
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")


def test_an_error_of_the_user_in_a_task_is_told_as_such(
    cluster: Cluster, people: Path, rules: Rulebase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a task finds wrong stops the run with its own words, not with a failed job."""
    gone = tmp_path / "gone.parquet"
    shutil.copy(people, gone)
    inputs = open_inputs([gone], rows_per_part=300)
    described, parts = inputs.describe(), list(inputs.parts())
    gone.unlink()
    monkeypatch.setattr(Inputs, "describe", lambda _: described)
    monkeypatch.setattr(Inputs, "parts", lambda _: iter(parts))
    with pytest.raises(InputError, match=r"gone\.parquet"):
        run(inputs, job(rules), tmp_path / "out", Settings(check=0, master=cluster.master))


def test_no_master_is_said_in_words(rules: Rulebase, people: Path, tmp_path: Path) -> None:
    """A master that is not an address is a mistake of the user's."""
    with pytest.raises(InputError, match="cannot be used"):
        run(open_inputs([people], rows_per_part=600), job(rules), tmp_path / "out", Settings(check=0, master="nowhere"))
