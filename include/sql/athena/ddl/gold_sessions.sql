-- Sessions: events of one visitor without a long gap between them, and how far they went in the funnel.
-- Grain: one row a session, on the date of its first event. The events of date d with a session are the sum of
-- event_count - events_after_midnight of date d and of events_after_midnight of the date before.
-- Names: database, table, lake. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the first event',
    session_id string COMMENT 'what the events of the session share; with started_at it is unique',
    started_at timestamp COMMENT 'time of the first event, UTC',
    ended_at timestamp COMMENT 'time of the last event, UTC',
    event_count bigint COMMENT 'good events',
    events_after_midnight bigint COMMENT 'of these, the ones on the date after event_date',
    revenue decimal(20, 2) COMMENT 'sum of the amounts that count',
    steps_reached int COMMENT 'steps of the funnel that were reached in their order',
    ${source_columns}
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
