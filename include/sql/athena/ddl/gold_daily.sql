-- How many events a date has by the dimensions of the source, and what they are worth.
-- Grain: one row an event date and combination of the dimensions' values that occurs. The events of a date are those
-- of Silver.
-- Names: database, table, lake. Columns of the source: source_columns.
CREATE TABLE IF NOT EXISTS ${database}.${table} (
    event_date date COMMENT 'UTC date of the events',
    ${source_columns},
    event_count bigint COMMENT 'good events',
    revenue decimal(20, 2) COMMENT 'sum of the amounts that count'
)
PARTITIONED BY (event_date)
LOCATION 's3://${lake}/gold/${table}/'
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')
