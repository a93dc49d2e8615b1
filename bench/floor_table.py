"""What the floor for page speed shows, and where."""

FLOOR = "/floor/"
TABLE = "bench_row"
ROWS = 25
MAKE = """
    CREATE TABLE bench_row (
        id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL, amount integer NOT NULL, created_at timestamptz NOT NULL
    );
    INSERT INTO bench_row (name, amount, created_at)
    SELECT 'Row ' || n, n * 100, now() - n * interval '1 day'
    FROM generate_series(1, 25) AS n;
"""
