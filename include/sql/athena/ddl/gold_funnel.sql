-- Sessions with the steps of the funnel that they reached, and what their visitors had when they started.
-- Grain: one row a session, on the date of its first event.
-- Names: database, table, lake. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the first event',
    session_id string COMMENT 'what the events of the session share; with started_at it is unique',
    started_at timestamp COMMENT 'time of the first event, UTC',
    ${source_columns},
    segments array<string> COMMENT 'what the visitor had at started_at, sorted'
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
