"""The hash of every task, as published records hold it: a change of one disowns all records of that task."""

from rlbench.harness.tasks.suite import TASKS

HASHES = {
    "grid-world@1": "4ec2d695308375acbebcdfcf0b27f5d1effc53ae4391819e079ab55a8ec88c64",
    "cart-pole@1": "686c2544345a1fa551db9b75cfe3ee9e05bb42cf8af9828699c3e24f1e102e22",
    "breakout@1": "c36bca68cc7c58435478c0f9e2cd8919612a23db0c71ef7107c06ebe488cd496",
    "pong@1": "9a3caf3fb4f29a7f03787a4bc6247243e9dab600fc4e45c6b8ab326d94796a3e",
    "space-invaders@1": "a8ca71f9cd396026b3a6fd52f467223aa3dad4eb31380cfeb027e1cc99ab1282",
    "seaquest@1": "ae13ac9fcbb10faf0ace718b9a06a09aa0658593128031fa1f220c6c80c4f4de",
    "beam-rider@1": "2dc42bd55df1570b8e0faff905bbf377c657b34749f50e2b72f315ebf18b44b9",
    "enduro@1": "b498a79d90a6e3152f25daf6629758017e5602ac783b92d26a1ee71d3cbb4f14",
    "qbert@1": "2cf4c2f8c31098a2696c629dfb00fdf958cea7c4422a340778f5122586e12f7d",
    "battle-zone@1": "43712ead099c08beef8ec1b066c37ed406c4443383f02e1d00faeaac6c924b87",
    "double-dunk@1": "107b88a88083184eb87c66ecb785776dbc64530876dee4c810b292269bf25dec",
    "name-this-game@1": "f373f7e62b9280218bfefc57c29defdef8d2167620eaf994b94171a608361389",
    "phoenix@1": "1575c5aa1022a1826c9fb8b5771eb857d960c118727db07203fec80671b065ce",
    "half-cheetah@1": "c110353283f49f0ea79b8dbb5fe7a99d66fab4e96c92a54f64805e7fef070289",
    "hopper@1": "ba16672a0850294be8edc1e6b23bc02c967fbf5427b0bb31616ae0fc6d32dcff",
    "walker2d@1": "8d4639bdf16a9f132190327cb981bf7e430ecd596f23a4de1397ac9eb756b39e",
    "ant@1": "f7bcad39c807da7fbaa7637c9920eb9576e4e2ac57966a37238e46668a5ce974",
    "humanoid@1": "3886a8ee2315de3351a39c9029b5a4501d80aad009eba416b9b77246bcc6bc8b",
    "half-cheetah-gymnasium@1": "40187e5178addd5a3aceb30cb51d0be59bfd02ac81ca5bbccc6d90cf6df9d28d",
    "hopper-gymnasium@1": "786f3b359194c63179442d054896be48613c43bda685e7807f5c6777b5926831",
    "walker2d-gymnasium@1": "6c1b6f024ed3c5e3f81f9e03a9635400e0be0b9473793e73ae1ba35cd6570133",
    "ant-gymnasium@1": "0dd278f80e9bd3a07ab87dc6aba86e09e7a5c8208128566bcecc90e663fda81f",
    "humanoid-gymnasium@1": "975f82e48bf297fe306e1934441c9eb5920ad8c10a1eab916768e53ec39c80c3",
    "glimpse-mnist@1": "06d87589fa64ed9b3f24f4b7689c45c50f4560b8730c64ecf94d10021175b0f7",
    "glimpse-translated@1": "1fcd2be1cc7d50dbc1ea01afba6529b2deb0bd601f23560a0e8e03abf5c593f6",
    "glimpse-cluttered60@1": "7b917567a0519d40e0ee186dcb53de5ddb1b52a076ef85cd9e7ffbd7da640fcd",
    "glimpse-cluttered100@1": "539cd683f9b86cf7de3126cc63e2200a1911535eac171af5a96ee7b8bfc377ee",
    "go5@1": "6833bf9e0999b788467d3ee5395b868ec606071ecbde9e8421f5dd9124e7a3bc",
    "go9@1": "fb065b1da6832a68035d21ac0a33e8aae9c506f906c08caba1398dffb7a6408f",
}


def test_no_hash_of_a_task_has_changed():
    assert {key: task.hash for key, task in TASKS.items()} == HASHES
