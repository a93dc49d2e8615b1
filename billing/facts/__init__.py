"""What our rows say: reads that several rooms share, and nothing written but records of trials.

Imports `models` and below.
"""
