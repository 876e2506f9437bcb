-- Delete good rows. Names: silver. Values: hour, ids.
DELETE FROM ${silver}
WHERE arrival_hour = ${hour} AND event_id IN (${ids})
