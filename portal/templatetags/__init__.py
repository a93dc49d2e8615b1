"""Tags for templates of the staff site's frame."""
