"""What leaves the house: mail, and nothing else."""
