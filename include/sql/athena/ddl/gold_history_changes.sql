-- The changes of which a history is put together.
-- Grain: one row an event that tells a change; the events of a date are those of Silver.
-- Names: database, table, lake, key, value.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the event',
    event_id string COMMENT 'identity of the event, unique on its date',
    event_time timestamp COMMENT 'from when on it is so, UTC',
    `${key}` string COMMENT 'the member',
    `${value}` string COMMENT 'what it is about',
    active boolean COMMENT 'whether the member has it from then on, or no more'
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
