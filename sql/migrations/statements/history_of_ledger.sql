UPDATE ledger_sequencer SET history = ? WHERE id = 1 AND history = 0
