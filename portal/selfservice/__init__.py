"""What members do about their account as a whole: take their data, close it, and get help."""
