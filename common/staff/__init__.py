"""Parts of the staff site that every app's pages are built of. Imports `common`."""
