-- What the columns of this database's tables are, as the server tells it, in one order on every server.
SELECT table_name, column_name, CONCAT_WS(' ', LOWER(column_type), IF(is_nullable = 'YES', 'NULL', 'NOT NULL'),
  collation_name, IF(extra LIKE '%auto_increment%', 'AUTO_INCREMENT', NULL)) AS definition
FROM information_schema.columns
WHERE table_schema = DATABASE()
ORDER BY CAST(table_name AS BINARY), ordinal_position
