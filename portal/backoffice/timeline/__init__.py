"""Everything that happened with one member, newest first; imports what the staff site imports."""
