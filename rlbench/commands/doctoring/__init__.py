"""What `doctor` checks besides packages: the surroundings that a command finds."""
