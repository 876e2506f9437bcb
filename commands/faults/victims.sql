-- Some good rows of one object. Names: silver. Values: hour, object, rows.
SELECT event_id
FROM ${silver}
WHERE arrival_hour = ${hour} AND object_id = ${object}
ORDER BY event_id
LIMIT ${rows}
