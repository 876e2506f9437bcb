-- What members have, such as the segments of a user, and from when until when. A member may have several at once.
-- Grain: one row an interval; those of one member and value do not overlap. It is put together of <table>_changes.
-- Names: database, table, lake, key, value.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    `${key}` string COMMENT 'the member',
    `${value}` string COMMENT 'what it has',
    valid_from timestamp COMMENT 'from this time on, UTC',
    valid_to timestamp COMMENT 'until before this time, UTC; null: it still has it',
    is_current boolean COMMENT 'whether it still has it'
)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
