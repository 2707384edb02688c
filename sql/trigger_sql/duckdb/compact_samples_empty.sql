-- Takes out the samples, of which those worth keeping are laid aside.
delete from samples
