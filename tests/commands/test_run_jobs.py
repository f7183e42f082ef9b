"""Several training runs at once end in the weights of one after the other."""

from rlbench import cli


def test_weights_are_the_same(tmp_path, capsys):
    words = ["run", "quick", "--task", "grid-world", "--agent", "q-learning", "--seeds", "2", "--quiet"]
    for name, jobs in (("one", "1"), ("two", "2")):
        assert cli.main([*words, "--jobs", jobs, "--out", str(tmp_path / name)]) == 0
    files = sorted(tmp_path.glob("one/training/*/*/submission/weights.safetensors"))
    assert len(files) == 2
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    assert cli.main([*words, "--jobs", "0"]) == 2
    assert "--jobs is at least 1, got 0" in capsys.readouterr().err
