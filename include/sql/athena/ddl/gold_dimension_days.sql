-- What a date says of a member.
-- Grain: one row an event date and member that has events then; the events of a date are those of Silver.
-- Names: database, table, lake, key. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the events',
    `${key}` string COMMENT 'the member',
    first_seen timestamp COMMENT 'time of its first event of the date, UTC',
    last_seen timestamp COMMENT 'time of its last event of the date, UTC',
    event_count bigint COMMENT 'good events of the date',
    ${source_columns}
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'snappy')
