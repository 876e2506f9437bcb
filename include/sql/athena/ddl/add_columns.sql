-- New columns of an existing Iceberg table; its old rows read NULL in them.
-- Names: database, table. New columns with their types: columns.
ALTER TABLE ${database}.${table} ADD COLUMNS (${columns})
