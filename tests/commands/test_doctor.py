"""`rlbench doctor`: a healthy machine passes, and every ailment has its row and its remedy."""

import json
import os

import pytest
from packaging.requirements import Requirement

from rlbench.commands import doctor
from rlbench.commands.doctor import DoctorOptions, run
from rlbench.commands.doctoring import devices, isolation
from rlbench.core import cuda
from rlbench.errors import UserError
from tests.core.fake_cuda import FakeLibrary

NEEDS = {"": [Requirement("numpy>=1.26")], "play": [Requirement("pygame>=2.6"), Requirement("Some_Thing")]}


@pytest.fixture
def options(tmp_path):
    (tmp_path / "results").mkdir()
    return DoctorOptions(results=tmp_path / "results", output=tmp_path / "leaderboard.md", format="json")


def test_this_machine_passes_and_every_finding_has_a_remedy(options, capsys):
    assert run(options) == 0
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"python", "numpy", "pygame", "torch", "compiled rules", "harness", "isolation", "results"} <= rows.keys()
    assert rows["numpy"]["status"] == "ok"
    assert "stale" in rows["results"]["found"]
    assert all(row["advice"] for row in rows.values() if row["status"] != "ok")


def test_a_failed_check_is_exit_code_1(options, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "versions", lambda: {"rlbench": "0.1", "numpy": "1.0"})
    assert run(options) == 1
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["numpy"] == {
        "check": "numpy", "status": "fail", "found": "1.0", "advice": 'pip install "numpy>=1.26"'
    }  # fmt: skip


def test_a_check_that_breaks_is_a_row_and_the_others_are_made(options, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "check_torch", lambda installed: 1 / 0)
    assert run(options) == 1
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["torch"]["status"], "results" in rows) == ("fail", True)
    assert "ZeroDivisionError" in rows["torch"]["found"]


@pytest.mark.parametrize(
    ("strict", "landlock", "status", "found"),
    [
        (None, None, "ok", "strict, landlock"),
        ("bwrap is not installed", None, "ok", "landlock; not strict, as bwrap is not installed"),
        ("no Landlock", "no Landlock", "warn", "process; not landlock, as no Landlock"),
    ],
)
def test_the_tiers_of_isolation_that_there_are(strict, landlock, status, found, monkeypatch):
    monkeypatch.setattr(isolation.tiers, "what_is_lacking", {"strict": strict, "landlock": landlock}.get)
    check = isolation.check_isolation()
    assert (check.status, check.found) == (status, found)


@pytest.mark.parametrize(("version", "status"), [((3, 9, 18), "fail"), ((3, 10, 0), "ok"), ((3, 14, 1), "ok")])
def test_python(version, status):
    assert doctor.check_python(version).status == status


def test_packages_and_extras_name_what_is_missing():
    installed = {"rlbench": "0.1.0", "numpy": "2.0.0", "pygame": "2.5.0"}
    package, numpy, play = doctor.check_packages(NEEDS, installed)
    assert (package.status, numpy.status, numpy.found) == ("ok", "ok", "2.0.0")
    assert (play.status, play.advice) == ("warn", 'pip install "rlbench[play]"')
    assert play.found == "no pygame>=2.6, no Some_Thing"
    play = list(doctor.check_packages(NEEDS, {**installed, "pygame": "2.6.1", "some-thing": "1"}))[-1]
    assert (play.status, play.found) == ("ok", "pygame 2.6.1, Some_Thing 1")


def test_a_checkout_that_is_not_installed_gets_a_warning():
    assert doctor.requirements("no-such-distribution") == {}
    assert [check.status for check in doctor.check_packages({}, {})] == ["warn"]


def test_both_pygames_are_a_warning():
    assert doctor.check_pygame({"pygame": "2.6.1"}).status == "ok"
    assert doctor.check_pygame({}).status == "warn"
    both = doctor.check_pygame({"pygame": "2.6.1", "pygame-ce": "2.5.0"})
    assert both.status == "warn"
    assert "pip uninstall" in both.advice


def test_without_memory_files_evaluation_is_sent_to_linux(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    assert doctor.check_harness().status == "warn"


def test_memory_files_that_are_forbidden_are_a_fault(monkeypatch):
    def forbidden(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", forbidden)
    assert doctor.check_harness().status == "fail"


def test_unreadable_results_are_a_fault_and_none_a_warning(tmp_path):
    assert doctor.check_results(tmp_path / "nowhere", tmp_path / "page.md").status == "warn"
    (tmp_path / "cart-pole@1").mkdir()
    (tmp_path / "cart-pole@1" / "x@1.jsonl").write_text('{"kind": "header", "schema": 999}\n', encoding="utf-8")
    assert doctor.check_results(tmp_path, tmp_path / "page.md").status == "fail"


def test_a_cache_that_cannot_be_written_is_a_fault(monkeypatch):
    from rlbench.core.compiler import cache

    def nowhere():
        raise OSError("no folder is writable")

    monkeypatch.setattr(cache, "cache_folder", nowhere)
    check = doctor.check_cache()
    assert (check.status, "RLBENCH_CACHE" in check.advice) == ("warn", True)  # rules are compiled all the same


def test_a_damaged_file_of_the_cache_is_a_warning_that_names_it(monkeypatch, tmp_path):
    from rlbench.core.compiler import cache

    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path))
    path = cache.store("rlbench_batch_x.nbc", b"code")
    assert doctor.check_cache().status == "ok"
    path.write_bytes(path.read_bytes()[1:])
    check = doctor.check_cache()
    assert (check.status, path.name in check.found) == ("warn", True)


def test_a_cache_that_others_can_write_to_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    check = doctor.check_cache()
    assert (check.status, check.advice) == ("warn", f"to use it: chmod go-w {tmp_path}")


def test_files_of_other_versions_in_the_cache_are_not_damaged(monkeypatch, tmp_path):
    monkeypatch.setenv("RLBENCH_CACHE", str(tmp_path / "my cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "my cache").mkdir()
    (tmp_path / "my cache" / "rlbench_batch_x.py").write_text(
        "step_parallel = njit()(step_parallel)\n", encoding="utf-8"
    )
    check = doctor.check_cache()
    assert check.status == "ok"
    assert check.found.endswith("with 1 file left by other versions")
    assert check.advice == f"they may be deleted; to empty the cache: rm '{tmp_path}/my cache'/rlbench_*"


def test_a_mistake_of_the_user_is_not_a_fault_of_ours():
    def check():
        raise UserError("MUJOCO_GL is 'bogus'; unset it")

    assert list(doctor.guarded("OpenGL", check)) == [doctor.Check("OpenGL", "fail", "MUJOCO_GL is 'bogus'", "unset it")]


def test_a_gpu_its_driver_and_what_keeps_environments_off_it(monkeypatch):
    def fail(error):
        def answer(*arguments):
            raise error

        return answer

    driver = cuda.Driver(FakeLibrary())
    monkeypatch.setattr(cuda, "open_driver", lambda: driver)
    monkeypatch.setattr(cuda, "open_gpu", lambda name: cuda.Gpu(driver, 0, None))
    row = devices.check_gpu({"torch": "2"})
    assert (row.status, row.found) == ("ok", "Pretend GPU (sm_90), driver for CUDA 13.0")
    assert devices.check_gpu({}).found == "driver for CUDA 13.0; environments on it need torch"
    monkeypatch.setattr(cuda, "open_gpu", fail(cuda.GpuError("the GPU is too old; take device='cpu'")))
    row = devices.check_gpu({"torch": "2"})
    assert (row.status, row.found, row.advice) == ("warn", "the GPU is too old", "take device='cpu'")
    monkeypatch.setattr(cuda, "open_driver", fail(cuda.NoGpuError("no NVIDIA driver is installed: ...; take ...")))
    row = devices.check_gpu({"torch": "2"})
    assert (row.status, row.found, row.advice) == ("ok", "none, no NVIDIA driver is installed: ...", "")
