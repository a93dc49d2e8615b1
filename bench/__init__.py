"""What bin/bench measures, on this machine and a throwaway database."""
