"""The table of published scores, made of drawn collections."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from baselines.studies import published_scores
from rlbench.errors import UserError
from rlbench.harness.ranking.reference_lines import published_scores as committed

COLLECTIONS = {
    "classic.csv": """env,algorithm,implementation,train_steps,return,std,seeds,note,source,status
CartPole-v1,DQN,CleanRL dqn.py,500000,488.69,16.11,3,,vwxyzjn/cleanrl@fe8d8a03 docs/rl-algorithms/dqn.md,verified
CartPole-v1,DQN,SB3 rl-zoo (tuned),50000,500.0,0.0,1,,DLR-RM/rl-baselines3-zoo@22e3ff2 benchmark.md,verified
CartPole-v1,ARS,SB3 rl-zoo (tuned),50000,500.0,0.0,1,,DLR-RM/rl-baselines3-zoo@22e3ff2 benchmark.md,verified
""",
    "mujoco_2026.csv": """agent,env_version,task,steps,mean_return,seeds,source,status
XQC,v4,Hopper,200000,3526,5 or 10,see README,computed
FlashSAC,v4,Ant,1000000,7589,5 or 10,see README,computed
""",
    "mujoco_tianshou_curves.csv": """env,algorithm,budget,env_step,test_return_mean_10seeds,std_over_seeds
Hopper-v3,SAC,200000,200000,3234.4156,314.1973
Hopper-v3,SAC,300000,300000,3300.0,1.0
Swimmer-v3,SAC,200000,200000,41.0,1.0
""",
    "mujoco_scores.csv": """env,algorithm,implementation,steps,mean_return,std,seeds,metric,source,status
Hopper-v4,PPO,CleanRL (torch),1000000,2382.86,271.74,3,,vwxyzjn/cleanrl@fe8d8a03 docs/benchmark/p.md,verified
Ant-v5,PPO,SLM-Lab v5 (TorchArc),10000000,2138.28,,4,,kengz/SLM-Lab@96be3938 docs/BENCHMARKS.md,verified
Hopper-v4,TD3,CleanRL (torch),1000000,3134.61,360.18,3,,vwxyzjn/cleanrl@fe8d8a03 docs/benchmark/t.md,verified
""",
    "atari_mrq.csv": """game,agent_steps,mean_return,deviation,seeds,protocol,source
Space Invaders,400000,389,,10,,see README
Pong,400000,8.9,2.5,10,,see README
""",
    "atari_dopamine_by_budget.csv": """game,agent,file_kind,frames_M,mean_return,std_pooled_runs_x_5_iters,runs
Pong,DQN,legacy/nature-cnn default,5,-17.794,1.0,5
Pong,DQN,legacy/nature-cnn default,10,-5.0,1.0,5
Pong,C51,legacy/nature-cnn default,5,-3.0,1.0,5
AirRaid,DQN,legacy/nature-cnn default,5,876.657,441.1,5
""",
    "ram.csv": """dataset,model,glimpses,test_error_pct,version,source
MNIST 28x28,RAM,6,1.12,NIPS 2014 proceedings version,note
MNIST 28x28,RAM,7,1.07,NIPS 2014 proceedings version,note
Translated MNIST 60x60,RAM (reproduction),6,1.08,reproduction,slundqui/tfRAM
Translated MNIST 60x60,FC 2 layers,,6.42,NIPS 2014 proceedings version,note
""",
    "glimpse_2026.csv": "task,error_percent,glimpses,note,source\n28x28,0.7,6,,pull request\n",
}
EXPECTED = [
    ("grid-world@1", "exact optimum", 0, -2.0, "", ""),
    ("cart-pole@1", "DQN (SB3 Zoo)", 50_000, 500.0, "", 1),
    ("cart-pole@1", "DQN (CleanRL)", 500_000, 488.69, 16.11, 3),
    ("pong@1", "MR.Q", 400_000, 8.9, 2.5, 10),
    ("pong@1", "DQN (Dopamine)", 1_250_000, -17.794, "", 5),
    ("space-invaders@1", "MR.Q", 400_000, 389.0, "", 10),
    ("hopper-gymnasium@1", "SAC (Tianshou)", 200_000, 3234.42, 314.2, 10),
    ("hopper-gymnasium@1", "XQC", 200_000, 3526.0, "", "5–10"),
    ("hopper-gymnasium@1", "PPO (CleanRL)", 1_000_000, 2382.86, 271.74, 3),
    ("ant-gymnasium@1", "FlashSAC", 1_000_000, 7589.0, "", "5–10"),
    ("ant-gymnasium@1", "PPO (SLM Lab)", 10_000_000, 2138.28, "", 4),
    ("glimpse-mnist@1", "RAM (best re-run)", "", 0.993, "", ""),
    ("glimpse-mnist@1", "RAM (paper)", "", 0.9888, "", ""),
    ("glimpse-translated@1", "RAM (best re-run)", "", 0.9892, "", 1),
]


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """A folder of small collections."""
    for name, text in COLLECTIONS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_taken_of_each_collection(figures: Path) -> None:
    frame = published_scores.table(figures)
    assert list(frame.iloc[:, :6].itertuples(index=False, name=None)) == EXPECTED
    protocol = dict(zip(frame["agent"], frame["protocol"], strict=True))
    assert protocol["FlashSAC"].startswith("Gymnasium's v4; not comparable: v4 observes")
    assert protocol["SAC (Tianshou)"].startswith("Gym's v3 (mujoco-py); v3 also pays the healthy reward")
    url = dict(zip(frame["agent"], frame["url"], strict=True))
    assert url["PPO (SLM Lab)"] == "https://github.com/kengz/SLM-Lab/blob/96be3938/docs/BENCHMARKS.md"


def test_the_command_writes_what_the_package_reads(figures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = figures / "published.csv"
    assert published_scores.main(published_scores.PublishedScores(figures, output)) == 0
    assert capsys.readouterr().out == f"{output}: 14 scores of 8 tasks\n"
    assert list(pd.read_csv(output)) == list(committed()[0])
    (figures / "ram.csv").unlink()
    with pytest.raises(UserError, match=r"has no ram\.csv; give the folder"):
        published_scores.main(published_scores.PublishedScores(figures, output))
