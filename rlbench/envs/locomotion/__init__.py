"""Robot locomotion over MuJoCo: Schulman et al. (2016), with Gymnasium's models."""
