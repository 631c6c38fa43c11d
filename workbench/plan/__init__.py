"""The program without an engine: record what it registers, print it, write it, judge it."""
