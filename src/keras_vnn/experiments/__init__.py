"""Many runs: networks compared with controls and baselines, searches over options, evaluations of embeddings."""
