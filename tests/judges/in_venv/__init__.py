"""What runs with the judges' own Python, and not with the project's: it reads JSON and writes JSON."""
