-- What the indexes of this database's tables are.
SELECT table_name, index_name, CONCAT(IF(non_unique = 0, 'UNIQUE ', ''), '(',
  GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '), ')') AS definition
FROM information_schema.statistics
WHERE table_schema = DATABASE()
GROUP BY table_name, index_name, non_unique
ORDER BY CAST(table_name AS BINARY), CAST(index_name AS BINARY)
