-- Takes out the ledger's rows, whose sums are laid aside.
delete from tally
