INSERT INTO ledger_sequencer (id, last_sequence) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id
