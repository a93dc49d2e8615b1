"""What bin/bench measures; all of it on this machine, against a database that is thrown away."""
