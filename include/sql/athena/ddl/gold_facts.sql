-- One row an event, under names of the table's own.
-- Grain: one row an event that is a fact; those of a date are Silver's.
-- Names: database, table, lake, key. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the event',
    `${key}` string COMMENT 'identity of the event, unique on its date',
    ${source_columns}
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'snappy')
