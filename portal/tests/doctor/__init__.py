"""The doctor, against real parts."""
