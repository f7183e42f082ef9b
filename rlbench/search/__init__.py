"""Search with a network, as AlphaZero does it: trees over the rules of a game of two players."""
