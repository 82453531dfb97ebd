"""Recipes: what the commands can be told, in one YAML file, checked before anything runs; and carrying them out."""
