-- A member, such as a user: when it was seen, and what was last known of it.
-- Grain: one row a member. It is put together of <table>_days.
-- Names: database, table, lake, key. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    `${key}` string COMMENT 'the member',
    first_seen timestamp COMMENT 'time of its first event, UTC',
    last_seen timestamp COMMENT 'time of its last event, UTC',
    event_count bigint COMMENT 'good events',
    ${source_columns}
)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'snappy')
